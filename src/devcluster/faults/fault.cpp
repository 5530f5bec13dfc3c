#include "devcluster/faults/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "fracta/base/json.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool meets_one(const std::string& pattern, const std::string& text) { return pattern.empty() || glob(pattern, text); }

// Reads the keys of one object and remembers which it knew.
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object_.is_object()) fail("must be an object");
  }

  void text(const char* key, std::string& out, std::initializer_list<std::string_view> allowed = {}) {
    const Json* value = take(key);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(fmt::format("{} must be a text", key));
    out = value->get<std::string>();
    if (allowed.size() != 0 && std::find(allowed.begin(), allowed.end(), out) == allowed.end())
      fail(fmt::format("{} must be one of {}", key, fmt::join(allowed, ", ")));
  }
  template <class T>
  void number(const char* key, T& out, std::int64_t least, std::int64_t most) {
    const Json* value = take(key);
    if (value == nullptr) return;
    if (!value->is_number_integer() || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
      return fail(fmt::format("{} must be a number from {} to {}", key, least, most));
    out = static_cast<T>(value->get<std::int64_t>());
  }
  template <class T>
  void number(const char* key, std::optional<T>& out, std::int64_t least, std::int64_t most) {
    if (!object_.is_object() || !object_.contains(key)) return;
    number(key, out.emplace(), least, most);
  }
  void duration(const char* key, std::optional<std::chrono::milliseconds>& out) {
    std::string written;
    text(key, written);
    if (written.empty()) return;
    const auto parsed = parse_go_duration(written);
    if (!parsed) return fail(fmt::format("{}: {}", key, parsed.error().message));
    out = std::chrono::duration_cast<std::chrono::milliseconds>(*parsed);
  }
  void duration(const char* key, std::chrono::milliseconds& out) {
    std::optional<std::chrono::milliseconds> value;
    duration(key, value);
    if (value && value->count() < 0) return fail(fmt::format("{} must not be negative", key));
    if (value) out = *value;
  }
  void fraction(const char* key, double& out) {
    const Json* value = take(key);
    if (value == nullptr) return;
    if (!value->is_number() || value->get<double>() < 0 || value->get<double>() > 1)
      return fail(fmt::format("{} must be a number from 0 to 1", key));
    out = value->get<double>();
  }
  void flag(const char* key, bool& out) {
    const Json* value = take(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(fmt::format("{} must be true or false", key));
    out = value->get<bool>();
  }
  const Json* take(const char* key) {
    known_.emplace_back(key);
    return object_.is_object() ? find(object_, key) : nullptr;
  }
  // The first problem, also of keys nobody asked for; "" when there is none.
  std::string finish() {
    if (!problem_.empty() || !object_.is_object()) return problem_;
    for (const auto& [key, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) fail("unknown key " + key);
    }
    return problem_;
  }

 private:
  void fail(const std::string& why) {
    if (problem_.empty()) problem_ = place_ + why;
  }
  const Json& object_;
  std::string place_, problem_;
  std::vector<std::string> known_;
};

std::string read_match(const Json& source, FaultMatch& match) {
  Reader reader(source, "match: ");
  reader.text("verb", match.verb);
  reader.text("resource", match.resource);
  reader.text("subresource", match.subresource);
  reader.text("namespace", match.ns);
  reader.text("name", match.name);
  reader.text("user", match.user);
  reader.text("userAgent", match.user_agent);
  reader.text("path", match.path);
  return reader.finish();
}

std::string read_slow(const Json& source, Fault& fault) {
  Reader reader(source, "slow: ");
  reader.number("bytes", fault.slow_bytes, 1, 1 << 20);
  reader.duration("every", fault.slow_every);
  if (fault.slow_bytes == 0) fault.slow_bytes = 1024;
  return reader.finish();
}

bool has_effect(const Fault& fault) {
  return fault.latency.count() > 0 || fault.status != 0 || !fault.connection.empty() || fault.slow_bytes != 0 ||
         !fault.watch.empty() || fault.stale != 0 || fault.refuse || fault.clock_skew || !fault.certificate.empty() ||
         fault.revoke || !fault.node.empty();
}

}  // namespace

bool FaultMatch::meets(const FaultSubject& subject) const {
  return meets_one(verb, subject.verb) && meets_one(resource, subject.resource) &&
         meets_one(subresource, subject.subresource) && meets_one(ns, subject.ns) && meets_one(name, subject.name) &&
         meets_one(user, subject.user) && meets_one(user_agent, subject.user_agent) && meets_one(path, subject.path);
}

Result<Fault> parse_fault(const Json& source) {
  constexpr std::int64_t kMany = 1'000'000'000;
  Fault fault;
  fault.source = source;
  Reader reader(source, "");
  std::string problem;
  if (const Json* match = reader.take("match")) problem = read_match(*match, fault.match);
  if (const Json* slow = reader.take("slow"); slow != nullptr && problem.empty()) problem = read_slow(*slow, fault);
  reader.number("skip", fault.skip, 0, kMany);
  reader.number("count", fault.count, 1, kMany);
  reader.fraction("probability", fault.probability);
  reader.duration("for", fault.lasts);
  reader.duration("latency", fault.latency);
  reader.number("status", fault.status, 400, 599);
  reader.number("retryAfter", fault.retry_after, 0, 86'400);
  reader.text("reason", fault.reason);
  reader.text("message", fault.message);
  reader.text("connection", fault.connection, {"reset", "silence", "cut"});
  reader.flag("after", fault.after);
  reader.number("cutAt", fault.cut_at, 0, kMany);
  reader.text("watch", fault.watch, {"gone", "duplicate", "reorder", "drop", "end"});
  reader.number("stale", fault.stale, 1, kMany);
  reader.duration("refuse", fault.refuse);
  reader.duration("clockSkew", fault.clock_skew);
  reader.text("certificate", fault.certificate, {"renewed", "expired", "other-authority", "other-name"});
  reader.flag("revoke", fault.revoke);
  reader.text("node", fault.node, {"lost", "disk-full"});
  if (problem.empty()) problem = reader.finish();
  if (problem.empty() && !has_effect(fault)) {
    problem =
        "no effect: say one of latency, status, connection, slow, watch, stale, refuse, clockSkew, certificate, "
        "revoke, node";
  }
  if (problem.empty() && fault.refuse && (fault.refuse->count() <= 0 || *fault.refuse > std::chrono::hours(1)))
    problem = "refuse must be a time of at most 1h";
  if (problem.empty() && fault.lasts && (fault.lasts->count() <= 0 || *fault.lasts > std::chrono::hours(24 * 365)))
    problem = "for must be a time of at most 8760h";
  if (!problem.empty()) return make_error(ErrorCode::kInvalid, "fault: " + problem);
  return fault;
}

}  // namespace fracta::devcluster
