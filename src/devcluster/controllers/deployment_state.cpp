#include "devcluster/controllers/deployment_state.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "devcluster/controllers/owned_pods.hpp"
#include "devcluster/controllers/replica_set_state.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

constexpr const char* kHistory = "deployment.kubernetes.io/revision-history";
constexpr const char* kDesired = "deployment.kubernetes.io/desired-replicas";
constexpr const char* kMaximum = "deployment.kubernetes.io/max-replicas";
constexpr std::size_t kMaxHistory = 2000;  // characters

// "25%" of `total`, or the number itself.
std::int64_t scaled(const Json* value, std::int64_t total, bool round_up) {
  if (value == nullptr) return 0;
  if (value->is_number()) return value->get<std::int64_t>();
  if (!value->is_string()) return 0;
  const std::string text = value->get<std::string>();
  const auto percent = parse_int(std::string_view(text).substr(0, text.find('%')));
  if (!percent) return 0;
  const std::int64_t product = *percent * total;
  return round_up ? (product + 99) / 100 : product / 100;
}

struct Fences {
  std::int64_t surge = 0, unavailable = 0;
};

Fences fences(const Json& deployment) {
  if (!is_rolling_update(deployment)) return {};
  const std::int64_t wanted = wanted_replicas(deployment);
  Fences result{scaled(find_path(deployment, "spec/strategy/rollingUpdate/maxSurge"), wanted, true),
                scaled(find_path(deployment, "spec/strategy/rollingUpdate/maxUnavailable"), wanted, false)};
  if (result.surge == 0 && result.unavailable == 0) result.unavailable = 1;
  return result;
}

Json without_hash(const Json& pod_template) {
  Json copy = pod_template;
  if (!copy.is_object()) return Json::object();
  Json& metadata = copy["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata.erase("creationTimestamp");
  if (metadata.contains("labels") && metadata["labels"].is_object()) metadata["labels"].erase(kTemplateHash);
  for (const char* map : {"labels", "annotations"})
    if (metadata.contains(map) && metadata[map].empty()) metadata.erase(map);
  return copy;
}

bool put_annotation(Json& object, const std::string& key, const std::string& value) {
  Json& annotations = object["metadata"]["annotations"];
  if (!annotations.is_object()) annotations = Json::object();
  if (annotations.contains(key) && annotations[key] == value) return false;
  annotations[key] = value;
  return true;
}

bool copy_annotations(const Json& deployment, Json& set) {
  const Json* annotations = find_path(deployment, "metadata/annotations");
  if (annotations == nullptr || !annotations->is_object()) return false;
  bool changed = false;
  for (const auto& [key, value] : annotations->items()) {
    if (key == "kubectl.kubernetes.io/last-applied-configuration" || key == "deprecated.deployment.rollback.to" ||
        key == kRevision || key == kHistory || key == kDesired || key == kMaximum)
      continue;
    changed = put_annotation(set, key, value.get<std::string>()) || changed;
  }
  return changed;
}

// A set that becomes the newest again (rollback) remembers which revisions it has been.
bool raise_revision(Json& set, std::int64_t revision) {
  const std::string old = annotation(set, kRevision);
  const auto old_number = old.empty() ? std::optional<std::int64_t>(0) : parse_int(old);
  if (!old_number || *old_number >= revision) return false;
  put_annotation(set, kRevision, std::to_string(revision));
  if (old.empty()) return true;
  std::string history = annotation(set, kHistory);
  while (!history.empty() && history.size() + old.size() + 1 > kMaxHistory) {
    const auto comma = history.find(',');
    history = comma == std::string::npos ? "" : history.substr(comma + 1);
  }
  put_annotation(set, kHistory, history.empty() ? old : history + "," + old);
  return true;
}

// The set's share of pods to add or, negative, to remove.
std::int64_t proportion(const Json& set, const Json& deployment, std::int64_t to_add, std::int64_t added) {
  const std::int64_t size = wanted_replicas(set), wanted = wanted_replicas(deployment);
  if (size == 0 || to_add == 0 || to_add == added) return 0;
  std::int64_t share = -size;
  if (wanted != 0) {
    const std::int64_t before =
        parse_int(annotation(set, kMaximum)).value_or(int_at(deployment, "status/replicas").value_or(0));
    if (before <= 0) return 0;
    share =
        std::llround(static_cast<double>(size * (wanted + max_surge(deployment))) / static_cast<double>(before)) - size;
  }
  return to_add > 0 ? std::min<std::int64_t>(share, to_add - added) : std::max<std::int64_t>(share, to_add - added);
}

}  // namespace

std::string annotation(const Json& object, std::string_view key) {
  const Json* annotations = find_path(object, "metadata/annotations");
  const Json* value = annotations == nullptr ? nullptr : find(*annotations, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool is_rolling_update(const Json& deployment) {
  return string_at(deployment, "spec/strategy/type") == "RollingUpdate";
}

std::int64_t max_surge(const Json& deployment) { return fences(deployment).surge; }

std::int64_t max_unavailable(const Json& deployment) {
  return std::min(fences(deployment).unavailable, wanted_replicas(deployment));
}

// Nobody recomputes the hash: it only has to be stable and short.
std::string template_hash(const Json& pod_template, std::int64_t collisions) {
  std::uint32_t hash = 2166136261U;
  for (const char c : dump_json(without_hash(pod_template)) + (collisions > 0 ? std::to_string(collisions) : ""))
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  // apimachinery's rand.SafeEncodeString: no vowels, so no words.
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text = std::to_string(hash);
  for (char& c : text) c = kAlphabet[static_cast<std::size_t>(c) % kAlphabet.size()];
  return text;
}

bool same_template(const Json& a, const Json& b) { return without_hash(a) == without_hash(b); }

std::int64_t spec_replicas(const std::vector<Json>& sets) {
  std::int64_t sum = 0;
  for (const auto& set : sets) sum += wanted_replicas(set);
  return sum;
}

std::int64_t status_sum(const std::vector<Json>& sets, const char* field) {
  std::int64_t sum = 0;
  for (const auto& set : sets) sum += int_at(set, std::string("status/") + field).value_or(0);
  return sum;
}

bool is_active_set(const Json& set) { return wanted_replicas(set) > 0; }

void sort_by_creation(std::vector<Json>& sets) {
  const auto when = [](const Json& set) {
    return std::pair{string_at(set, "metadata/creationTimestamp"), string_at(set, "metadata/name")};
  };
  std::sort(sets.begin(), sets.end(), [&](const Json& a, const Json& b) { return when(a) < when(b); });
}

std::int64_t revision_of(const Json& set) { return parse_int(annotation(set, kRevision)).value_or(0); }

std::int64_t max_revision(const std::vector<Json>& sets) {
  std::int64_t most = 0;
  for (const auto& set : sets) most = std::max(most, revision_of(set));
  return most;
}

std::int64_t new_set_replicas(const Json& deployment, const std::vector<Json>& all, std::int64_t now) {
  const std::int64_t wanted = wanted_replicas(deployment);
  if (!is_rolling_update(deployment)) return wanted;
  // Not max_surge(): with both fences 0 nothing may be added before something went.
  const std::int64_t most =
      wanted + scaled(find_path(deployment, "spec/strategy/rollingUpdate/maxSurge"), wanted, true);
  const std::int64_t present = spec_replicas(all);
  return present >= most ? now : now + std::min(most - present, wanted - now);
}

std::vector<std::int64_t> proportional_sizes(const Json& deployment, std::vector<Json*>& active) {
  const std::int64_t wanted = wanted_replicas(deployment);
  std::int64_t present = 0;
  for (const Json* set : active) present += wanted_replicas(*set);
  const std::int64_t to_add = (wanted > 0 ? wanted + max_surge(deployment) : 0) - present;
  const auto age = [](const Json* set) { return string_at(*set, "metadata/creationTimestamp"); };
  std::stable_sort(active.begin(), active.end(), [&](const Json* a, const Json* b) {
    if (wanted_replicas(*a) != wanted_replicas(*b)) return wanted_replicas(*a) > wanted_replicas(*b);
    return to_add > 0 ? age(a) > age(b) : age(a) < age(b);
  });
  std::vector<std::int64_t> sizes;
  std::int64_t added = 0;
  for (const Json* set : active) {
    const std::int64_t share = proportion(*set, deployment, to_add, added);
    sizes.push_back(wanted_replicas(*set) + share);
    added += share;
  }
  if (!sizes.empty()) sizes[0] = std::max<std::int64_t>(0, sizes[0] + to_add - added);
  return sizes;
}

bool is_saturated(const Json& deployment, const Json& set) {
  const std::int64_t wanted = wanted_replicas(deployment);
  return wanted_replicas(set) == wanted && annotated_size(set) == wanted &&
         int_at(set, "status/availableReplicas").value_or(0) == wanted;
}

Json make_replica_set(const Json& deployment, const std::string& hash, std::int64_t replicas, std::int64_t revision) {
  Json set{{"apiVersion", "apps/v1"},
           {"kind", "ReplicaSet"},
           {"metadata",
            {{"name", string_at(deployment, "metadata/name") + "-" + hash},
             {"namespace", string_at(deployment, "metadata/namespace")},
             {"ownerReferences", Json::array({controller_reference(deployment, "apps/v1", "Deployment")})}}},
           {"spec", {{"replicas", replicas}}}};
  Json& spec = set["spec"];
  if (const auto ready = int_at(deployment, "spec/minReadySeconds")) spec["minReadySeconds"] = *ready;
  if (const Json* selector = find_path(deployment, "spec/selector")) spec["selector"] = *selector;
  spec["selector"]["matchLabels"][kTemplateHash] = hash;
  if (const Json* pod_template = find_path(deployment, "spec/template")) spec["template"] = *pod_template;
  spec["template"]["metadata"]["labels"][kTemplateHash] = hash;
  set["metadata"]["labels"] = Json(spec["template"]["metadata"]["labels"]);
  (void)copy_annotations(deployment, set);
  (void)raise_revision(set, revision);
  (void)set_size_annotations(deployment, set);
  return set;
}

bool refresh_replica_set(const Json& deployment, Json& set, std::int64_t revision) {
  bool changed = copy_annotations(deployment, set);
  changed = raise_revision(set, revision) || changed;
  const std::int64_t ready = int_at(deployment, "spec/minReadySeconds").value_or(0);
  if (int_at(set, "spec/minReadySeconds").value_or(0) != ready) {
    set["spec"]["minReadySeconds"] = ready;
    changed = true;
  }
  return changed;
}

bool set_size_annotations(const Json& deployment, Json& set) {
  const std::int64_t wanted = wanted_replicas(deployment);
  const bool desired = put_annotation(set, kDesired, std::to_string(wanted));
  return put_annotation(set, kMaximum, std::to_string(wanted + max_surge(deployment))) || desired;
}

std::optional<std::int64_t> annotated_size(const Json& set) { return parse_int(annotation(set, kDesired)); }

}  // namespace fracta::devcluster
