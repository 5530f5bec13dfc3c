// What we call ourselves; audit logs and API priority-and-fairness rules of operators go by it.
#pragma once

#include <string>
#include <string_view>

namespace fracta::kube {

// client-go's form: "fracta/0.1.0 (linux/amd64) fracta/a0dee5b"
std::string user_agent(std::string_view product);

}  // namespace fracta::kube
