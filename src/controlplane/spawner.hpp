// Creates an agent's objects, owner first (design §2.2): Job or Pod, then ConfigMap and Secret carrying its uid, at
// most three writes and no read on the way that succeeds. Thread-safe.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "controlplane/prepare.hpp"
#include "fracta/agent/build.hpp"
#include "fracta/base/result.hpp"
#include "fracta/kube/client.hpp"

namespace fracta::controlplane {

class Spawner {
 public:
  Spawner(kube::Client& client, std::string ns, std::chrono::milliseconds call_timeout);

  struct Created {
    std::string uid;
    bool existed = false;  // made by an earlier attempt with the same request id and spec
  };
  Result<Created> create(const Prepared& prepared, const std::stop_token& stop) const;
  // dryRun=All and strict fields for every object, for a Job also for the Pod of its template. Returns what the server
  // would store, an array.
  Result<Json> server_dry_run(const Prepared& prepared, const std::stop_token& stop) const;

 private:
  struct Owner {
    const kube::Resource& resource;
    const Json& object;
    std::string name;
  };
  [[nodiscard]] kube::CallContext call(const std::stop_token& stop) const { return {call_timeout_, stop}; }
  Result<Created> create_owner(const Prepared& prepared, const Owner& owner, const std::stop_token& stop) const;
  Result<Created> adopt_own(const Prepared& prepared, const Owner& owner, const Error& cause,
                            const std::stop_token& stop) const;
  Result<void> create_dependents(const Prepared& prepared, const Owner& owner, const std::string& uid,
                                 const std::stop_token& stop) const;
  Result<void> create_dependent(const kube::Resource& resource, const Json& object, const std::string& uid,
                                const std::stop_token& stop) const;
  // An object of that name is there: ours (true), or a leftover that has been removed (false), or an error.
  Result<bool> settle_existing(const kube::Resource& resource, const Json& object, const std::string& uid,
                               const std::stop_token& stop) const;
  Result<bool> has_living_owner(const Json& object, const std::string& agent_id, const std::string& our_uid,
                                const std::stop_token& stop) const;
  void roll_back(const Owner& owner, const std::string& uid) const;

  kube::Client& client_;
  const std::string ns_;
  const std::chrono::milliseconds call_timeout_;
};

}  // namespace fracta::controlplane
