#include "devcluster/admission/limit_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "devcluster/admission/resources.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

using Words = std::vector<std::string>;

std::vector<RecordPtr> limit_ranges(const Store& store, std::string_view ns) {
  std::vector<RecordPtr> result;
  const auto snapshot = store.list("limitranges", std::string(ns) + "/");
  for (const auto& [key, record] : snapshot->records) result.push_back(record);
  return result;
}

const Json& limits_of(const Json& range) {
  static const Json kNone = Json::array();
  const Json* limits = find_path(range, "spec/limits");
  return limits != nullptr && limits->is_array() ? *limits : kNone;
}

// What a container lacks; the annotation's words for it are appended to `notes`.
void fill(Json& container, const char* what, const ResourceList& defaults, const std::string& subject, Words& notes) {
  Words added;
  for (const auto& [name, quantity] : defaults) {
    Json& list = container["resources"][std::string(what) + "s"];
    if (!list.is_object()) list = Json::object();
    if (list.contains(name)) continue;
    list[name] = quantity.canonical();
    added.push_back(name);
  }
  if (!added.empty()) notes.push_back(fmt::format("{} {} for {}", join(added, ", "), what, subject));
}

// Thousandths, unless a number is too large for that.
struct Amounts {
  std::int64_t request, limit, enforced;
};
Amounts amounts(const Quantity& request, const Quantity& limit, const Quantity& enforced) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  if (std::max({request.value(), limit.value(), enforced.value()}) > kMost)
    return {request.value(), limit.value(), enforced.value()};
  return {request.milli_value(), limit.milli_value(), enforced.milli_value()};
}

class Checker {
 public:
  Checker(std::string type, ResourceList requests, ResourceList limits, Words& errors)
      : type_(std::move(type)), requests_(std::move(requests)), limits_(std::move(limits)), errors_(errors) {}

  void check(const Json& limit, bool claim) {
    for (const auto& [name, enforced] : resources_at(limit, "min")) minimum(name, enforced);
    for (const auto& [name, enforced] : resources_at(limit, "max")) maximum(name, enforced, claim);
    if (claim) return;
    for (const auto& [name, enforced] : resources_at(limit, "maxLimitRequestRatio")) ratio(name, enforced);
  }

 private:
  static const Quantity* at(const ResourceList& list, const std::string& name) {
    const auto found = list.find(name);
    return found == list.end() ? nullptr : &found->second;
  }
  static Quantity or_zero(const Quantity* quantity) { return quantity == nullptr ? Quantity::whole(0) : *quantity; }

  void minimum(const std::string& name, const Quantity& enforced) {
    const Quantity* request = at(requests_, name);
    const Quantity* limit = at(limits_, name);
    const auto [asked, most, least] = amounts(or_zero(request), or_zero(limit), enforced);
    const std::string rule = fmt::format("minimum {} usage per {} is {}", name, type_, enforced.canonical());
    if (request == nullptr)
      errors_.push_back(rule + ".  No request is specified");
    else if (asked < least)
      errors_.push_back(fmt::format("{}, but request is {}", rule, request->canonical()));
    else if (limit != nullptr && most < least)
      errors_.push_back(fmt::format("{}, but limit is {}", rule, limit->canonical()));
  }

  void maximum(const std::string& name, const Quantity& enforced, bool request_only) {
    const Quantity* request = at(requests_, name);
    const Quantity* limit = at(limits_, name);
    const auto [asked, most, allowed] = amounts(or_zero(request), or_zero(limit), enforced);
    const std::string rule = fmt::format("maximum {} usage per {} is {}", name, type_, enforced.canonical());
    if (request_only && request == nullptr)
      errors_.push_back(rule + ".  No request is specified");
    else if (!request_only && limit == nullptr)
      errors_.push_back(rule + ".  No limit is specified");
    else if (!request_only && most > allowed)
      errors_.push_back(fmt::format("{}, but limit is {}", rule, limit->canonical()));
    else if (request != nullptr && asked > allowed)
      errors_.push_back(fmt::format("{}, but request is {}", rule, request->canonical()));
  }

  void ratio(const std::string& name, const Quantity& enforced) {
    const auto [asked, most, unused] = amounts(or_zero(at(requests_, name)), or_zero(at(limits_, name)), enforced);
    const std::string rule =
        fmt::format("{} max limit to request ratio per {} is {}", name, type_, enforced.canonical());
    if (asked == 0) {
      errors_.push_back(rule + ", but no request is specified or request is 0");
    } else if (most == 0) {
      errors_.push_back(rule + ", but no limit is specified or limit is 0");
    } else {
      const double actual = static_cast<double>(most) / static_cast<double>(asked);
      if (actual * 1000 > static_cast<double>(enforced.milli_value()))
        errors_.push_back(fmt::format("{}, but provided ratio is {:f}", rule, actual));
    }
  }

  const std::string type_;
  const ResourceList requests_, limits_;
  Words& errors_;
};

// Resources of a whole pod: only what every container names is summed; init containers count by the largest.
ResourceList pod_total(const Json& pod, const char* path) {
  ResourceList total;
  const Json* containers = find_path(pod, "spec/containers");
  bool first = true;
  for (const Json& container : containers != nullptr ? *containers : Json::array()) {
    ResourceList own = resources_at(container, path);
    if (first) {
      total = std::move(own);
    } else {
      for (auto entry = total.begin(); entry != total.end();) {
        const auto found = own.find(entry->first);
        if (found != own.end()) entry->second += found->second;
        entry = found == own.end() ? total.erase(entry) : std::next(entry);
      }
    }
    first = false;
  }
  if (const Json* init = find_path(pod, "spec/initContainers"); init != nullptr && init->is_array())
    for (const Json& container : *init) raise_all(total, resources_at(container, path));
  return total;
}

void check_pod(const Json& limit, const Json& pod, Words& errors) {
  const std::string type = string_at(limit, "type");
  if (type == "Container") {
    for (const char* list : {"spec/containers", "spec/initContainers"})
      if (const Json* containers = find_path(pod, list); containers != nullptr && containers->is_array())
        for (const Json& container : *containers)
          Checker(type, resources_at(container, "resources/requests"), resources_at(container, "resources/limits"),
                  errors)
              .check(limit, false);
  } else if (type == "Pod") {
    Checker(type, pod_total(pod, "resources/requests"), pod_total(pod, "resources/limits"), errors).check(limit, false);
  }
}

}  // namespace

void apply_limit_defaults(const Store& store, std::string_view ns, Json& pod) {
  for (const auto& range : limit_ranges(store, ns)) {
    ResourceList requests, limits;
    for (const Json& limit : limits_of(range->object)) {
      if (string_at(limit, "type") != "Container") continue;
      for (const auto& [name, quantity] : resources_at(limit, "defaultRequest"))
        requests.insert_or_assign(name, quantity);
      for (const auto& [name, quantity] : resources_at(limit, "default")) limits.insert_or_assign(name, quantity);
    }
    Words notes;
    for (const auto& [list, subject] : {std::pair{"containers", "container "}, {"initContainers", "init container "}}) {
      if (!pod["spec"].contains(list) || !pod["spec"][list].is_array()) continue;
      for (Json& container : pod["spec"][list]) {
        fill(container, "request", requests, subject + string_at(container, "name"), notes);
        fill(container, "limit", limits, subject + string_at(container, "name"), notes);
      }
    }
    if (!notes.empty())
      pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = "LimitRanger plugin set: " + join(notes, "; ");
  }
}

Outcome<Done> admit_limits(const Store& store, const Kind& kind, std::string_view ns, const Json& object) {
  const bool pod = kind.plural == "pods";
  if (!pod && kind.plural != "persistentvolumeclaims") return Done{};
  for (const auto& range : limit_ranges(store, ns)) {
    Words errors;
    for (const Json& limit : limits_of(range->object)) {
      if (pod)
        check_pod(limit, object, errors);
      else if (string_at(limit, "type") == "PersistentVolumeClaim")
        Checker("PersistentVolumeClaim", resources_at(object, "spec/resources/requests"), {}, errors)
            .check(limit, true);
    }
    if (errors.empty()) continue;
    Words distinct;  // the same container mistake twice is said once
    for (auto& error : errors)
      if (std::find(distinct.begin(), distinct.end(), error) == distinct.end()) distinct.push_back(std::move(error));
    errors = std::move(distinct);
    return forbidden(kind, string_at(object, "metadata/name"),
                     errors.size() == 1 ? errors[0] : "[" + join(errors, ", ") + "]");
  }
  return Done{};
}

}  // namespace fracta::devcluster
