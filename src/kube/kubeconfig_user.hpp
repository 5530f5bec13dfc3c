// users[].user -> how requests are authenticated.
#pragma once

#include "fracta/kube/client_config.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/kubeconfig_fields.hpp"

namespace fracta::kube {

// Fills token/basic_authorization/impersonation and the client certificate of `out`. `cluster` is for exec plug-ins
// that want to know it.
Result<void> apply_user(const Fields& user, const Fields& cluster, const FileReader& read, const Clock& clock,
                        ClientConfig& out);

// `<key>-data` (base64) or the file `<key>`; both is an error as in client-go. Empty when neither is there.
Result<std::string> data_or_file(const Fields& fields, const std::string& key, const FileReader& read);

}  // namespace fracta::kube
