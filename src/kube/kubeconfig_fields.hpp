// Typed look-ups in one kubeconfig entry whose errors name file and field:
// `kubeconfig /p: users["u"].user.token: must be a string, is a number`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fracta/base/json.hpp"
#include "fracta/base/result.hpp"

namespace fracta::kube {

class Fields {
 public:
  // `place` is `users["u"].user`; `value` must be an object and outlive this.
  Fields(std::string file, std::string place, const Json& value)
      : file_(std::move(file)), place_(std::move(place)), value_(&value) {}

  // Missing and null are empty/false, as in Go.
  Result<std::string> text(std::string_view key) const;
  Result<bool> flag(std::string_view key) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;
  [[nodiscard]] const Json* find(std::string_view key) const;
  // A sub-object; an empty one when missing.
  Result<Fields> object(std::string_view key) const;
  // [{name: N, value: V}, ...]
  Result<std::vector<std::pair<std::string, std::string>>> name_values(std::string_view key) const;

  [[nodiscard]] Error error(std::string_view key, std::string_view message) const;
  [[nodiscard]] std::string place(std::string_view key = "") const;
  // A path of this file: absolute as it is, relative to the file's own directory otherwise.
  [[nodiscard]] std::string resolve(const std::string& path) const;
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const Json& value() const { return *value_; }

 private:
  std::string file_;
  std::string place_;
  const Json* value_;
};

// "a string", "a number", ... for messages.
std::string_view kind_of(const Json& value);

}  // namespace fracta::kube
