#include "devcluster/validation/validation.hpp"

namespace fracta::devcluster {
void validate_pod(const Json&, FieldErrors&) {}
void validate_pod_update(const Json&, const Json&, FieldErrors&) {}
void validate_job(const Json&, FieldErrors&) {}
void validate_job_update(const Json&, const Json&, FieldErrors&) {}
}  // namespace fracta::devcluster
