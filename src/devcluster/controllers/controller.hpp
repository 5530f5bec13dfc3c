// What every controller here is made of: watches that say which key may need work, one thread that looks at a key and
// does the next step (level-triggered), and retries with back-off. Handlers never do work themselves.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fracta/base/clock.hpp"
#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

// Keys waiting for work: each at most once, at a time of its own. Thread-safe.
class KeyQueue {
 public:
  void add(const std::string& key, std::chrono::milliseconds delay = {});
  // After a failure: 1 s, 2 s, 4 s ... 2 min for the same key; forget() starts anew.
  void add_limited(const std::string& key, std::chrono::milliseconds first);
  void forget(const std::string& key);
  // The next key that is due, or nothing when stopped.
  std::optional<std::string> take(const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, SteadyTime> due_;
  std::set<std::pair<SteadyTime, std::string>> by_time_;  // the same, ordered: queues hold 10,000 keys
  std::map<std::string, int> failures_;
};

class Controller {
 public:
  explicit Controller(Api& api) : api_(api) {}
  virtual ~Controller() = default;
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;
  void start();
  void stop();  // derived classes call it in their destructor's stead: Controllers stops all before it destroys any

 protected:
  struct Watch {
    std::string resource;
    std::function<void(const StoreEvent&)> on_event;
  };
  virtual std::vector<Watch> watches() = 0;
  // One step for one key. False: try again later.
  virtual bool sync(const std::string& key) = 0;

  Api& api_;
  RealClock clock_;
  KeyQueue queue_;

 private:
  std::vector<std::jthread> threads_;
};

// "namespace/name" and back; cluster-scoped objects have no slash.
std::string key_of(const Json& object);
std::pair<std::string, std::string> split_key(const std::string& key);

// The controlling owner ("controller": true) of that kind: its name, or empty.
std::string controller_name(const Json& object, std::string_view kind);
bool is_deleted(const Json& object);  // deletionTimestamp set
bool has_finalizer(const Json& object, std::string_view finalizer);
bool remove_finalizer(Json& object, std::string_view finalizer);  // false: was not there

std::unique_ptr<Controller> make_job_controller(Api& api);
std::unique_ptr<Controller> make_job_ttl_controller(Api& api);
std::unique_ptr<Controller> make_garbage_collector(Api& api);
std::unique_ptr<Controller> make_namespace_controller(Api& api);
std::unique_ptr<Controller> make_service_account_controller(Api& api, std::string root_ca_pem);
std::unique_ptr<Controller> make_claim_binder(Api& api);
std::unique_ptr<Controller> make_replica_set_controller(Api& api);
std::unique_ptr<Controller> make_deployment_controller(Api& api);
std::unique_ptr<Controller> make_resource_quota_controller(Api& api);

}  // namespace fracta::devcluster
