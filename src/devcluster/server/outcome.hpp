// What a request comes to inside the API server: a value, or the Status a real server would answer with. Unlike
// fracta::Error it keeps Status.details whole, which kubectl and client libraries read.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>
#include "devcluster/schema/kinds.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct Failure {
  int code = 500;
  std::string reason;
  std::string message;
  Json details;  // null when the answer has none
};

template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Outcome(Failure failure)
      : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  [[nodiscard]] const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

struct Done {};

// "pods" or "jobs.batch", as messages write it.
std::string qualified_resource(const Kind& kind);

Failure not_found(const Kind& kind, std::string_view name);
Failure already_exists(const Kind& kind, std::string_view name);
Failure conflict(const Kind& kind, std::string_view name, std::string_view why);
Failure modified_conflict(const Kind& kind, std::string_view name);
Failure bad_request(std::string message);
Failure forbidden(const Kind& kind, std::string_view name, std::string_view why);
Failure expired(std::string message);
Failure method_not_allowed();
Failure internal_error(std::string message);
Failure unsupported_media_type(std::string message);

Json status_object(const Failure& failure);
Error to_error(const Failure& failure);
// For errors of other parts (the node).
Failure from_error(const Error& error);

}  // namespace fracta::devcluster
