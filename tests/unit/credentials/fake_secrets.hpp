// Secrets of one namespace as an API server keeps them: versions, uids, conflicts; and failures on demand.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/credentials/store.hpp"

namespace fracta::credentials::testing {

class FakeSecrets final : public SecretClient {
 public:
  using Object = std::shared_ptr<const Json>;
  std::map<std::string, Json> objects;
  int writes = 0;
  // Called before a call is carried out; may change `objects` (somebody else was quicker) or return an error.
  std::function<Result<void>(const std::string& verb, const std::string& name)> before;

  Result<std::vector<Object>> list(const std::string& selector) override {
    FRACTA_TRY(ask("list", ""));
    std::vector<Object> out;
    for (const auto& [name, object] : objects)
      if (selects(selector, object)) out.push_back(std::make_shared<const Json>(object));
    return out;
  }
  Result<Object> get(const std::string& name) override {
    FRACTA_TRY(ask("get", name));
    const auto found = objects.find(name);
    if (found == objects.end()) return make_error(ErrorCode::kNotFound, "secrets \"" + name + "\" not found");
    return std::make_shared<const Json>(found->second);
  }
  Result<Object> create(const Json& secret) override {
    const std::string name = string_at(secret, "metadata/name");
    FRACTA_TRY(ask("create", name));
    if (objects.count(name) != 0)
      return make_error(ErrorCode::kAlreadyExists, "secrets \"" + name + "\" already exists");
    Json object = secret;
    object["metadata"]["uid"] = "uid-" + std::to_string(++counter_);
    object["metadata"]["creationTimestamp"] = stamp();
    return store(name, std::move(object));
  }
  Result<Object> replace(const Json& secret) override {
    const std::string name = string_at(secret, "metadata/name");
    FRACTA_TRY(ask("replace", name));
    const auto found = objects.find(name);
    if (found == objects.end()) return make_error(ErrorCode::kNotFound, "secrets \"" + name + "\" not found");
    if (string_at(secret, "metadata/resourceVersion") != string_at(found->second, "metadata/resourceVersion"))
      return make_error(ErrorCode::kConflict, "the object has been modified");
    Json object = secret;
    for (const char* key : {"uid", "creationTimestamp"}) object["metadata"][key] = found->second["metadata"][key];
    return store(name, std::move(object));
  }
  Result<void> remove(const std::string& name, const std::string& uid, const std::string& version) override {
    FRACTA_TRY(ask("remove", name));
    const auto found = objects.find(name);
    if (found == objects.end()) return {};
    const bool other = (!uid.empty() && string_at(found->second, "metadata/uid") != uid) ||
                       (!version.empty() && string_at(found->second, "metadata/resourceVersion") != version);
    if (other) return make_error(ErrorCode::kConflict, "precondition failed");
    objects.erase(found);
    ++writes;
    return {};
  }
  // As somebody with kubectl would: any object, no questions.
  void put(Json object) {
    const std::string name = string_at(object, "metadata/name");
    object["metadata"]["uid"] = "uid-" + std::to_string(++counter_);
    object["metadata"]["creationTimestamp"] = stamp();
    (void)store(name, std::move(object));
  }
  // Decoded data of the only Secret there is.
  [[nodiscard]] std::string data(const std::string& key) const {
    for (const auto& [name, object] : objects) return base64_decode(string_at(object, "data/" + key)).value_or("");
    return "";
  }
  [[nodiscard]] std::string everything() const {
    std::string out;
    for (const auto& [name, object] : objects) out += dump_json(object) + "\n";
    return out;
  }

 private:
  Result<void> ask(const std::string& verb, const std::string& name) {
    return before ? before(verb, name) : Result<void>();
  }
  std::string stamp() {
    const std::string digits = std::to_string(100 + counter_);
    return "2026-01-01T00:" + digits.substr(1) + ":00Z";
  }
  Result<Object> store(const std::string& name, Json object) {
    object["metadata"]["resourceVersion"] = std::to_string(++counter_);
    ++writes;
    objects[name] = object;
    return std::make_shared<const Json>(std::move(object));
  }
  static bool selects(const std::string& selector, const Json& object) {
    std::size_t at = 0;
    while (at < selector.size()) {
      const auto end = std::min(selector.find(',', at), selector.size());
      const std::string term = selector.substr(at, end - at);
      const auto equals = term.find('=');
      const Json* labels = find_path(object, "metadata/labels");
      const Json* value = labels == nullptr ? nullptr : find(*labels, term.substr(0, equals));
      if (value == nullptr || *value != term.substr(equals + 1)) return false;
      at = end + 1;
    }
    return true;
  }
  int counter_ = 0;
};

}  // namespace fracta::credentials::testing
