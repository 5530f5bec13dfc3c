// ownerReferences (pkg/controller/garbagecollector): dependents whose owners are all gone are deleted; an owner with
// finalizer foregroundDeletion waits for its blocking dependents; finalizer orphan cuts them loose.
#include <nlohmann/json.hpp>

#include "devcluster/controllers/controller.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/log.hpp"

namespace fracta::devcluster {
namespace {

// What can own and be owned here.
constexpr std::array<std::string_view, 13> kResources = {"configmaps",
                                                         "secrets",
                                                         "pods",
                                                         "jobs.batch",
                                                         "services",
                                                         "serviceaccounts",
                                                         "persistentvolumeclaims",
                                                         "leases.coordination.k8s.io",
                                                         "deployments.apps",
                                                         "replicasets.apps",
                                                         "roles.rbac.authorization.k8s.io",
                                                         "rolebindings.rbac.authorization.k8s.io",
                                                         "networkpolicies.networking.k8s.io"};
// How long a dependent is believed before an owner nobody has seen counts as gone: the watches of two resources may be
// a moment apart.
constexpr std::chrono::milliseconds kRecheck{1'000};

struct Node {
  std::string resource, ns, name, uid;
  std::set<std::string> owners;    // uids
  std::set<std::string> blocking;  // of those: blockOwnerDeletion
  bool deleted = false, foreground = false, orphan = false;
};

class GarbageCollector final : public Controller {
 public:
  explicit GarbageCollector(Api& api) : Controller(api) {}
  ~GarbageCollector() override { stop(); }

 private:
  std::vector<Watch> watches() override {
    std::vector<Watch> result;
    for (const auto resource : kResources)
      result.push_back(
          {std::string(resource), [this, resource](const StoreEvent& event) { observe(resource, event); }});
    return result;
  }

  static Node node_of(std::string_view resource, const Json& object) {
    Node node{std::string(resource),
              string_at(object, "metadata/namespace"),
              string_at(object, "metadata/name"),
              string_at(object, "metadata/uid"),
              {},
              {},
              is_deleted(object),
              has_finalizer(object, "foregroundDeletion"),
              has_finalizer(object, "orphan")};
    if (const Json* owners = find_path(object, "metadata/ownerReferences"); owners != nullptr && owners->is_array())
      for (const auto& owner : *owners) {
        node.owners.insert(string_at(owner, "uid"));
        if (bool_at(owner, "blockOwnerDeletion")) node.blocking.insert(string_at(owner, "uid"));
      }
    return node;
  }

  void observe(std::string_view resource, const StoreEvent& event) {
    Node node = node_of(resource, *event.object);
    const std::lock_guard lock(mutex_);
    if (const auto old = nodes_.find(node.uid); old != nodes_.end())
      for (const auto& owner : old->second.owners) dependents_[owner].erase(node.uid);
    const std::string uid = node.uid;
    // Owners wait for dependents, dependents for owners: both get a look.
    for (const auto& owner : node.owners) queue_.add(owner);
    if (event.type == EventType::kDeleted) {
      nodes_.erase(uid);
      if (const auto found = dependents_.find(uid); found != dependents_.end())
        for (const auto& dependent : found->second) queue_.add(dependent);
      for (const auto& owner : node.owners)
        if (const auto it = dependents_.find(owner); it != dependents_.end() && it->second.empty())
          dependents_.erase(it);
      return;
    }
    for (const auto& owner : node.owners) dependents_[owner].insert(uid);
    const bool look = !node.owners.empty() || (node.deleted && (node.foreground || node.orphan));
    nodes_[uid] = std::move(node);
    if (look) queue_.add(uid);
  }

  bool sync(const std::string& uid) override {
    std::optional<Node> node;
    bool owners_present = false, unknown_owner = false, owner_waits = false;
    {
      const std::lock_guard lock(mutex_);
      const auto found = nodes_.find(uid);
      if (found == nodes_.end()) return true;
      node = found->second;
      for (const auto& owner : node->owners) {
        const auto o = nodes_.find(owner);
        if (o == nodes_.end())
          unknown_owner = true;
        else if (o->second.deleted && o->second.foreground)
          owner_waits = true;
        else
          owners_present = true;
      }
    }
    if (node->deleted && node->orphan) return cut_loose(*node, dependents_of(*node));
    if (node->deleted && node->foreground) return finish_foreground(*node, dependents_of(*node));
    if (node->deleted || node->owners.empty()) return true;
    if (owners_present) return unknown_owner ? drop_absent_owners(*node) : true;
    if (owner_waits) return remove(*node, "");
    return unknown_owner ? remove_if_owners_are_gone(*node) : true;
  }

  // Once an owner is gone nobody can tell its orphans from garbage, and the graph may not know its newest dependent
  // yet: the API server is asked.
  std::vector<Node> dependents_of(const Node& owner) const {
    std::vector<Node> result;
    for (const auto resource : kResources)
      for (const auto& object : api_.list(resource, owner.ns))
        if (Node node = node_of(resource, *object); node.owners.contains(owner.uid)) result.push_back(std::move(node));
    return result;
  }

  // The graph may be behind: the API server's word counts. An owner of a kind nobody watches is never gone.
  bool remove_if_owners_are_gone(const Node& node) {
    const auto object = api_.get(node.resource, node.ns, node.name);
    if (!object || string_at(**object, "metadata/uid") != node.uid) return true;
    const Json* owners = find_path(**object, "metadata/ownerReferences");
    if (owners == nullptr || owners->empty()) return true;
    for (const auto& owner : *owners) {
      const auto resource = resource_of(owner);
      if (resource.empty()) return true;
      const auto found = api_.get(resource, node.ns, string_at(owner, "name"));
      if (found && string_at(**found, "metadata/uid") == string_at(owner, "uid")) {
        queue_.add(node.uid, kRecheck);
        return true;
      }
    }
    return remove(node, "");
  }

  // One owner lives and keeps the dependent; those that are gone are taken out of its references.
  bool drop_absent_owners(const Node& node) {
    const auto object = api_.get(node.resource, node.ns, node.name);
    if (!object) return true;
    std::set<std::string> gone;
    if (const Json* owners = find_path(**object, "metadata/ownerReferences"))
      for (const auto& owner : *owners) {
        const auto resource = resource_of(owner);
        if (resource.empty()) continue;
        const auto found = api_.get(resource, node.ns, string_at(owner, "name"));
        if (!found || string_at(**found, "metadata/uid") != string_at(owner, "uid"))
          gone.insert(string_at(owner, "uid"));
      }
    return gone.empty() || remove_owners(node, gone);
  }

  bool remove_owners(const Node& node, const std::set<std::string>& uids) {
    const auto done = api_.mutate(node.resource, node.ns, node.name, [&](Json& object) {
      Json* owners = const_cast<Json*>(find_path(object, "metadata/ownerReferences"));
      if (owners == nullptr) return false;
      const auto gone = std::remove_if(owners->begin(), owners->end(),
                                       [&](const Json& o) { return uids.contains(string_at(o, "uid")); });
      if (gone == owners->end()) return false;
      owners->erase(gone, owners->end());
      if (owners->empty()) object["metadata"].erase("ownerReferences");
      return true;
    });
    return done.ok() || done.error().code == ErrorCode::kNotFound;
  }

  static std::string_view resource_of(const Json& owner) {
    const std::string kind = string_at(owner, "kind"), version = string_at(owner, "apiVersion");
    if (version == "batch/v1" && kind == "Job") return "jobs.batch";
    if (version == "v1" && kind == "Pod") return "pods";
    if (version == "v1" && kind == "ConfigMap") return "configmaps";
    if (version == "v1" && kind == "Secret") return "secrets";
    if (version == "v1" && kind == "Service") return "services";
    if (version == "v1" && kind == "ServiceAccount") return "serviceaccounts";
    if (version == "apps/v1" && kind == "Deployment") return "deployments.apps";
    if (version == "apps/v1" && kind == "ReplicaSet") return "replicasets.apps";
    return "";
  }

  bool remove(const Node& node, std::string propagation) {
    RemoveOptions options;
    options.propagation = propagation.empty() ? "Background" : std::move(propagation);
    options.precondition_uid = node.uid;
    const auto removed = api_.remove(node.resource, node.ns, node.name, options);
    return removed.ok() || removed.error().code == ErrorCode::kNotFound || removed.error().code == ErrorCode::kConflict;
  }

  bool drop_finalizer(const Node& node, std::string_view finalizer) {
    const auto done = api_.mutate(node.resource, node.ns, node.name, [&](Json& object) {
      return string_at(object, "metadata/uid") == node.uid && remove_finalizer(object, finalizer);
    });
    return done.ok() || done.error().code == ErrorCode::kNotFound;
  }

  bool finish_foreground(const Node& node, const std::vector<Node>& dependents) {
    bool blocked = false, ok = true;
    for (const auto& dependent : dependents) {
      // Only dependents without another living owner go with it; blockOwnerDeletion is what the owner waits for.
      if (!dependent.deleted) ok = remove(dependent, has_dependents(dependent.uid) ? "Foreground" : "") && ok;
      blocked = blocked || dependent.blocking.count(node.uid) != 0;
    }
    return blocked ? ok : drop_finalizer(node, "foregroundDeletion") && ok;
  }

  bool has_dependents(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    const auto found = dependents_.find(uid);
    return found != dependents_.end() && !found->second.empty();
  }

  bool cut_loose(const Node& node, const std::vector<Node>& dependents) {
    bool ok = true;
    for (const auto& dependent : dependents) ok = remove_owners(dependent, {node.uid}) && ok;
    return ok && drop_finalizer(node, "orphan");
  }

  std::mutex mutex_;
  std::map<std::string, Node> nodes_;                        // by uid
  std::map<std::string, std::set<std::string>> dependents_;  // owner's uid -> uids
};

}  // namespace

std::unique_ptr<Controller> make_garbage_collector(Api& api) { return std::make_unique<GarbageCollector>(api); }

}  // namespace fracta::devcluster
