// An API server in memory, behind net::Transport: objects with uids and resourceVersions, list, watch, delete with
// preconditions, a garbage collector for ownerReferences, pod logs; and faults at any call. Just enough Kubernetes to
// test the control plane's logic; what a real server answers is the integration tests' business. Thread-safe.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fracta/base/clock.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"
#include "fracta/net/transport.hpp"

namespace fracta::testing {

class FakeCluster final : public net::Transport {
 public:
  // What goes wrong with a call. `lost`: the server does it, but the answer never arrives.
  enum class Fault { kNone, kRefused, kLost, kForbidden, kInternal };
  // Asked for each call but watches, with its number since the last reset_calls().
  using FaultPlan = std::function<Fault(int number, const net::Request&)>;

  void set_faults(FaultPlan plan) {
    std::lock_guard lock(mutex_);
    faults_ = std::move(plan);
  }
  void reset_calls() {
    std::lock_guard lock(mutex_);
    calls_.clear();
  }
  // "POST /apis/batch/v1/namespaces/fracta/jobs", without the query; watches and lists are not counted.
  [[nodiscard]] std::vector<std::string> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

  // By collection path and name; what a controller or a kubelet would write.
  void put(const std::string& collection, Json object) {
    std::lock_guard lock(mutex_);
    store(collection, std::move(object));
  }
  void erase(const std::string& collection, const std::string& name) {
    std::lock_guard lock(mutex_);
    remove(collection, name);
  }
  [[nodiscard]] std::optional<Json> get(const std::string& collection, const std::string& name) const {
    std::lock_guard lock(mutex_);
    auto it = objects_.find({collection, name});
    return it == objects_.end() ? std::nullopt : std::optional<Json>(it->second);
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& collection) const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [key, object] : objects_)
      if (key.first == collection) out.push_back(key.second);
    return out;
  }
  [[nodiscard]] std::size_t object_count() const {
    std::lock_guard lock(mutex_);
    return objects_.size();
  }
  // What the garbage collector of a real cluster does after a while: dependents of owners that are gone go too.
  void collect_garbage() {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, std::string>> orphans;
    for (const auto& [key, object] : objects_) {
      const auto* owners = find_path(object, "metadata/ownerReferences");
      if (owners && !owners->empty() && !alive(string_at(owners->front(), "uid"))) orphans.push_back(key);
    }
    for (const auto& [collection, name] : orphans) remove(collection, name);
  }
  // While true every call is refused and watches are cut.
  void set_down(bool down) {
    std::lock_guard lock(mutex_);
    down_ = down;
    changed_.notify_all();
  }
  // The log of a pod; a followed one stays open until finish_log() or cut_logs().
  void append_log(const std::string& pod, const std::string& text) {
    std::lock_guard lock(mutex_);
    logs_[pod] += text;
    changed_.notify_all();
  }
  void finish_log(const std::string& pod) {
    std::lock_guard lock(mutex_);
    finished_logs_[pod] = true;
    changed_.notify_all();
  }
  void cut_logs() {
    std::lock_guard lock(mutex_);
    ++log_generation_;
    changed_.notify_all();
  }

  Result<net::Response> request(const net::Request& request, const net::CallOptions& options) override {
    if (options.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "canceled");
    std::lock_guard lock(mutex_);
    return answer(request);
  }

  Result<void> stream(const net::Request& request, const net::StreamOptions& options,
                      const net::StreamHandler& handler) override {
    if (is_watch(request)) return watch(request, options, handler);
    if (path_of(request).ends_with("/log")) return log(request, options, handler);
    auto answered = this->request(request, {options.head_timeout, 64u << 20, options.stop});
    if (!answered) return answered.error();
    if (!handler.on_head(*answered)) return make_error(ErrorCode::kCanceled, "stopped");
    handler.on_data(answered->body);
    return {};
  }

 private:
  using Key = std::pair<std::string, std::string>;  // collection, name
  struct Change {
    std::uint64_t version;
    std::string collection, type;
    Json object;
  };

  static std::string path_of(const net::Request& request) { return request.target.substr(0, request.target.find('?')); }
  static net::QueryParameters query_of(const net::Request& request) {
    auto mark = request.target.find('?');
    return mark == std::string::npos ? net::QueryParameters{} : net::parse_query(request.target.substr(mark + 1));
  }
  static std::string parameter(const net::Request& request, std::string_view name) {
    for (const auto& [key, value] : query_of(request))
      if (key == name) return value;
    return "";
  }
  static bool is_watch(const net::Request& request) {
    auto watch = parameter(request, "watch");
    return watch == "1" || watch == "true";
  }

  static net::Response reply(int status, const Json& body) {
    net::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = dump_json(body);
    return response;
  }
  static net::Response status(int code, const std::string& reason, const std::string& message) {
    return reply(code, {{"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"status", "Failure"},
                        {"code", code},
                        {"reason", reason},
                        {"message", message}});
  }

  // "/api/v1/namespaces/ns/pods/name" -> collection and name; a collection's own path has an odd last segment.
  static Key split_path(const std::string& path) {
    auto namespaces = path.find("/namespaces/");
    auto after_ns = namespaces == std::string::npos ? std::string::npos : path.find('/', namespaces + 12);
    if (after_ns == std::string::npos) {
      auto slash = path.rfind('/');
      return path.ends_with("/namespaces") ? Key{path, ""} : Key{path.substr(0, slash), path.substr(slash + 1)};
    }
    auto slash = path.find('/', after_ns + 1);
    return slash == std::string::npos ? Key{path, ""} : Key{path.substr(0, slash), path.substr(slash + 1)};
  }

  Result<net::Response> answer(const net::Request& request) {
    auto [collection, name] = split_path(path_of(request));
    bool listing = request.method == "GET" && name.empty();
    Fault fault = down_ ? Fault::kRefused : Fault::kNone;
    if (!listing) {
      calls_.push_back(request.method + " " + path_of(request));
      if (fault == Fault::kNone && faults_) fault = faults_(static_cast<int>(calls_.size()), request);
    }
    if (fault == Fault::kRefused) return make_error(ErrorCode::kUnavailable, "connection refused");
    if (fault == Fault::kForbidden) return status(403, "Forbidden", "exceeded quota");
    if (fault == Fault::kInternal) return status(500, "InternalError", "etcdserver: request timed out");
    auto response = perform(request, collection, name);
    if (fault == Fault::kLost) return make_error(ErrorCode::kDeadlineExceeded, "no answer in time");
    return response;
  }

  net::Response perform(const net::Request& request, const std::string& collection, const std::string& name) {
    if (request.method == "POST") return create(request, collection);
    if (name.empty()) return list(collection);
    auto it = objects_.find({collection, name});
    if (it == objects_.end())
      return status(404, "NotFound", collection.substr(collection.rfind('/') + 1) + " \"" + name + "\" not found");
    if (request.method == "GET") return reply(200, it->second);
    if (request.method == "PATCH") return patch(request, collection, it->second);
    if (request.method != "DELETE") return status(405, "MethodNotAllowed", "not supported");
    auto body = Json::parse(request.body.empty() ? "{}" : request.body);
    auto wanted = string_at(body, "preconditions/uid");
    if (!wanted.empty() && wanted != string_at(it->second, "metadata/uid"))
      return status(409, "Conflict", "the UID in the precondition differs");
    remove(collection, name);
    return reply(200, {{"kind", "Status"}, {"status", "Success"}});
  }

  net::Response create(const net::Request& request, const std::string& collection) {
    auto object = Json::parse(request.body);
    auto name = string_at(object, "metadata/name");
    if (objects_.contains({collection, name}))
      return status(409, "AlreadyExists",
                    collection.substr(collection.rfind('/') + 1) + " \"" + name + "\" already exists");
    if (parameter(request, "dryRun") == "All") {
      object["metadata"]["uid"] = "dry-run";
      return reply(201, object);
    }
    object["metadata"]["uid"] = "uid-" + std::to_string(++uids_);
    object["metadata"]["creationTimestamp"] = format_rfc3339(std::chrono::system_clock::now());
    return reply(201, store(collection, std::move(object)));
  }

  // Merge patches only, with the version as precondition.
  net::Response patch(const net::Request& request, const std::string& collection, const Json& stored) {
    auto change = Json::parse(request.body);
    auto wanted = string_at(change, "metadata/resourceVersion");
    if (!wanted.empty() && wanted != string_at(stored, "metadata/resourceVersion"))
      return status(409, "Conflict", "the object has been modified");
    auto object = stored;
    object.merge_patch(change);
    return reply(200, store(collection, std::move(object)));
  }

  net::Response list(const std::string& collection) {
    Json items = Json::array();
    for (const auto& [key, object] : objects_)
      if (key.first == collection) items.push_back(object);
    return reply(200, {{"kind", "List"},
                       {"apiVersion", "v1"},
                       {"metadata", {{"resourceVersion", std::to_string(version_)}}},
                       {"items", items}});
  }

  const Json& store(const std::string& collection, Json object) {
    Key key{collection, string_at(object, "metadata/name")};
    if (!object["metadata"].contains("uid")) object["metadata"]["uid"] = "uid-" + std::to_string(++uids_);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    bool known = objects_.contains(key);
    auto& slot = objects_[key] = std::move(object);
    changes_.push_back({version_, collection, known ? "MODIFIED" : "ADDED", slot});
    changed_.notify_all();
    return slot;
  }

  void remove(const std::string& collection, const std::string& name) {
    auto it = objects_.find({collection, name});
    if (it == objects_.end()) return;
    changes_.push_back({++version_, collection, "DELETED", it->second});
    objects_.erase(it);
    changed_.notify_all();
  }

  bool alive(const std::string& uid) const {
    for (const auto& [key, object] : objects_)
      if (string_at(object, "metadata/uid") == uid) return true;
    return false;
  }

  static net::Response stream_head() {
    net::Response head;
    head.status = 200;
    head.headers.add("Content-Type", "application/json");
    return head;
  }

  Result<void> watch(const net::Request& request, const net::StreamOptions& options,
                     const net::StreamHandler& handler) {
    auto collection = path_of(request);
    std::uint64_t seen = std::strtoull(parameter(request, "resourceVersion").c_str(), nullptr, 10);
    std::stop_callback wake(options.stop, [this] {
      std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    if (down_) return make_error(ErrorCode::kUnavailable, "connection refused");
    lock.unlock();
    if (!handler.on_head(stream_head())) return make_error(ErrorCode::kCanceled, "stopped");
    lock.lock();
    while (true) {
      std::string lines;
      for (const auto& change : changes_) {
        if (change.version <= seen) continue;
        seen = change.version;
        if (change.collection == collection)
          lines += dump_json({{"type", change.type}, {"object", change.object}}) + "\n";
      }
      if (!lines.empty()) {
        lock.unlock();
        if (!handler.on_data(lines)) return make_error(ErrorCode::kCanceled, "stopped");
        lock.lock();
        continue;
      }
      if (options.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
      if (down_) return make_error(ErrorCode::kUnavailable, "connection reset");
      changed_.wait(lock);
    }
  }

  // With tailLines, sinceTime and follow, in the form of the kubelet with timestamps=true.
  Result<void> log(const net::Request& request, const net::StreamOptions& options, const net::StreamHandler& handler) {
    auto path = path_of(request);
    path.resize(path.size() - 4);
    auto pod = path.substr(path.rfind('/') + 1);
    bool follow = parameter(request, "follow") == "true", stamps = parameter(request, "timestamps") == "true";
    auto since = parse_rfc3339(parameter(request, "sinceTime"));
    std::stop_callback wake(options.stop, [this] {
      std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    if (!logs_.contains(pod)) {
      auto missing = status(404, "NotFound", "pods \"" + pod + "\" not found");
      lock.unlock();
      if (handler.on_head(missing)) handler.on_data(missing.body);
      return {};
    }
    auto generation = log_generation_;
    std::size_t at = 0;
    lock.unlock();
    if (!handler.on_head(stream_head())) return make_error(ErrorCode::kCanceled, "stopped");
    lock.lock();
    while (true) {
      auto text = logs_[pod].substr(at);
      at += text.size();
      if (auto out = select(text, since, stamps); !out.empty()) {
        lock.unlock();
        if (!handler.on_data(out)) return make_error(ErrorCode::kCanceled, "stopped");
        lock.lock();
        continue;
      }
      if (!follow || finished_logs_[pod] || generation != log_generation_) return {};
      if (options.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
      changed_.wait(lock);
    }
  }

  // Stored lines are "TIME TEXT"; sinceTime counts in whole seconds, as between API server and kubelet.
  static std::string select(const std::string& text, const std::optional<SystemTime>& since, bool stamps) {
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      auto space = line.find(' ');
      auto time = parse_rfc3339(line.substr(0, space));
      if (since && time && *time < std::chrono::floor<std::chrono::seconds>(*since)) continue;
      out += (stamps ? line : line.substr(space + 1)) + "\n";
    }
    return out;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, Json> objects_;
  std::vector<Change> changes_;
  std::uint64_t version_ = 100;
  std::uint64_t uids_ = 0;
  std::vector<std::string> calls_;
  FaultPlan faults_;
  bool down_ = false;
  std::map<std::string, std::string> logs_;
  std::map<std::string, bool> finished_logs_;
  int log_generation_ = 0;
};

}  // namespace fracta::testing
