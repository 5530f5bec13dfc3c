#include <algorithm>
#include <cstdint>
#include <exception>

#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "fracta/net/http_server.hpp"

namespace fracta::net {
namespace {

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
}

// "{rest...}" -> "rest"; empty for anything else.
std::string_view remainder_name(std::string_view segment) {
  if (!is_parameter(segment) || !segment.ends_with("...}")) return {};
  return segment.substr(1, segment.size() - 5);
}

std::vector<std::string> pattern_segments(std::string_view pattern) {
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  return split(pattern, '/');
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

// How well a pattern fits, compared segment by segment from the left: a literal wins over a parameter, a parameter over
// a remainder. Nothing: no match.
std::optional<std::uint64_t> match(const std::vector<std::string>& pattern, const std::vector<std::string>& segments,
                                   Parameters& parameters) {
  constexpr std::size_t kRanked = 31;  // two bits a segment
  std::uint64_t rank = 0;
  const auto add = [&rank](std::size_t position, std::uint64_t digit) {
    if (position < kRanked) rank |= digit << (2 * (kRanked - position));
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (const auto rest = remainder_name(pattern[i]); !rest.empty()) {
      if (i > segments.size()) return std::nullopt;
      std::string joined;
      for (std::size_t k = i; k < segments.size(); ++k) joined += (k > i ? "/" : "") + segments[k];
      parameters.emplace_back(std::string(rest), std::move(joined));
      add(i, 1);
      return rank;
    }
    if (i >= segments.size()) return std::nullopt;
    if (is_parameter(pattern[i])) {
      if (segments[i].empty()) return std::nullopt;
      parameters.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), segments[i]);
      add(i, 2);
    } else if (pattern[i] == segments[i]) {
      add(i, 3);
    } else {
      return std::nullopt;
    }
  }
  if (pattern.size() != segments.size()) return std::nullopt;
  return rank;
}

ServerResponse call(const RequestHandler& handler, const ServerRequest& request) {
  try {
    return handler(request);
  } catch (const std::exception& error) {
    log::error("net", "handler failed", {{"method", request.method}, {"what", error.what()}});
  } catch (...) {
    log::error("net", "handler failed", {{"method", request.method}});
  }
  return ServerResponse::text(500, "internal error\n");
}

}  // namespace

std::string ServerRequest::path_parameter(std::string_view name) const {
  for (const auto& [key, value] : path_parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> ServerRequest::query_parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

ServerResponse ServerResponse::json(int status, std::string body) {
  ServerResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

ServerResponse ServerResponse::text(int status, std::string body) {
  ServerResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

void Router::add(std::string method, std::string pattern, RequestHandler handler) {
  auto segments = pattern_segments(pattern);
  routes_.push_back({std::move(method), std::move(pattern), std::move(segments), std::move(handler)});
}

void Router::set_not_found(RequestHandler handler) { not_found_ = std::move(handler); }
void Router::set_method_not_allowed(RequestHandler handler) { method_not_allowed_ = std::move(handler); }

ServerResponse Router::route(const ServerRequest& request) const {
  const Route* best = nullptr;
  Parameters best_parameters;
  std::uint64_t best_rank = 0;
  std::vector<std::string> allowed;
  for (const auto& route : routes_) {
    Parameters parameters;
    const auto rank = match(route.segments, request.segments, parameters);
    if (!rank) continue;
    // A GET route answers HEAD too: the server leaves the body out.
    const bool method_fits = route.method == request.method || (request.method == "HEAD" && route.method == "GET");
    if (!method_fits) {
      if (std::find(allowed.begin(), allowed.end(), route.method) == allowed.end()) allowed.push_back(route.method);
      continue;
    }
    if (best == nullptr || *rank > best_rank) {
      best = &route;
      best_rank = *rank;
      best_parameters = std::move(parameters);
    }
  }
  if (best != nullptr) {
    request.path_parameters = std::move(best_parameters);
    return call(best->handler, request);
  }
  if (allowed.empty()) {
    return not_found_ ? call(not_found_, request) : ServerResponse::text(404, "not found\n");
  }
  auto response =
      method_not_allowed_ ? call(method_not_allowed_, request) : ServerResponse::text(405, "method not allowed\n");
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.emplace_back("HEAD");
  response.headers.set("Allow", join(allowed, ", "));
  return response;
}

std::vector<std::pair<std::string, std::string>> Router::routes() const {
  std::vector<std::pair<std::string, std::string>> list;
  list.reserve(routes_.size());
  for (const auto& route : routes_) list.emplace_back(route.method, route.pattern);
  return list;
}

}  // namespace fracta::net
