#include "devcluster/controllers/controller.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {

void KeyQueue::add(const std::string& key, std::chrono::milliseconds delay) {
  const auto at = std::chrono::steady_clock::now() + delay;
  {
    const std::lock_guard lock(mutex_);
    const auto [entry, fresh] = due_.emplace(key, at);
    if (!fresh) {
      if (entry->second <= at) return;
      by_time_.erase({entry->second, key});
      entry->second = at;
    }
    by_time_.emplace(at, key);
    if (by_time_.begin()->second != key) return;  // the worker waits for an earlier one anyhow
  }
  changed_.notify_all();
}

void KeyQueue::add_limited(const std::string& key, std::chrono::milliseconds first) {
  int failures = 0;
  {
    const std::lock_guard lock(mutex_);
    failures = failures_[key]++;
  }
  add(key, std::min<std::chrono::milliseconds>(first * (1 << std::min(failures, 16)), std::chrono::minutes{2}));
}

void KeyQueue::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

std::optional<std::string> KeyQueue::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (by_time_.empty()) {
      (void)changed_.wait(lock, stop, [&] { return !by_time_.empty(); });
      continue;
    }
    const auto next = by_time_.begin();
    if (next->first <= std::chrono::steady_clock::now()) {
      std::string key = next->second;
      by_time_.erase(next);
      due_.erase(key);
      return key;
    }
    const auto until = next->first;
    (void)changed_.wait_until(lock, stop, until, [&] { return by_time_.begin()->first < until; });
  }
  return std::nullopt;
}

void Controller::start() {
  for (auto& watch : watches())
    threads_.emplace_back([this, watch = std::move(watch)](const std::stop_token& stop) {
      api_.watch(watch.resource, watch.on_event, stop);
    });
  threads_.emplace_back([this](const std::stop_token& stop) {
    while (const auto key = queue_.take(stop)) {
      if (sync(*key))
        queue_.forget(*key);
      else
        queue_.add_limited(*key, std::chrono::seconds{1});
    }
  });
}

void Controller::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::string key_of(const Json& object) {
  const std::string ns = string_at(object, "metadata/namespace"), name = string_at(object, "metadata/name");
  return ns.empty() ? name : ns + "/" + name;
}

std::pair<std::string, std::string> split_key(const std::string& key) {
  const auto slash = key.find('/');
  if (slash == std::string::npos) return {"", key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

std::string controller_name(const Json& object, std::string_view kind) {
  const Json* owners = find_path(object, "metadata/ownerReferences");
  if (owners != nullptr && owners->is_array())
    for (const auto& owner : *owners)
      if (bool_at(owner, "controller") && string_at(owner, "kind") == kind) return string_at(owner, "name");
  return "";
}

bool is_deleted(const Json& object) { return find_path(object, "metadata/deletionTimestamp") != nullptr; }

bool has_finalizer(const Json& object, std::string_view finalizer) {
  const Json* list = find_path(object, "metadata/finalizers");
  return list != nullptr && list->is_array() && std::find(list->begin(), list->end(), Json(finalizer)) != list->end();
}

bool remove_finalizer(Json& object, std::string_view finalizer) {
  if (!has_finalizer(object, finalizer)) return false;
  Json& list = object["metadata"]["finalizers"];
  list.erase(std::find(list.begin(), list.end(), Json(finalizer)));
  if (list.empty()) object["metadata"].erase("finalizers");
  return true;
}

}  // namespace fracta::devcluster
