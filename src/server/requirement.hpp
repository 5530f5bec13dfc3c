// What a route asks of its caller. Every route is added with one of these (add_caller_route in routes.hpp); there is
// no other way in.
#pragma once

#include <string_view>

namespace fracta::server {

struct Requirement {
  enum class Who {
    kEverybody,      // probes: neither authenticated nor counted
    kAuthenticated,  // anybody the cluster knows
    kAllowed,        // who may do `verb` on `resource`
    kHandler,        // authenticated; the handler asks Caller::may() itself
  };
  Who who = Who::kAllowed;
  std::string_view verb, resource, subresource;
  std::string_view name_parameter;  // the path parameter that names the object; empty: no single object
  std::string_view url;             // instead of a resource
  bool own_agent = false;           // the pod of the very agent `name_parameter` names may do it, too
  bool audited = false;             // even though it changes nothing
  bool only_asks = false;           // not audited, although it is a POST
};

namespace need {

using Who = Requirement::Who;

inline constexpr Requirement kNothing{.who = Who::kEverybody};
inline constexpr Requirement kIdentity{.who = Who::kAuthenticated};
inline constexpr Requirement kQuestion{.who = Who::kAuthenticated, .only_asks = true};
inline constexpr Requirement kHandlerDecides{.who = Who::kHandler};
inline constexpr Requirement kAuditedHandlerDecides{.who = Who::kHandler, .audited = true};

inline constexpr Requirement kCreateAgents{.verb = "create", .resource = "agents"};
inline constexpr Requirement kListAgents{.verb = "list", .resource = "agents"};
inline constexpr Requirement kWatchAgents{.verb = "watch", .resource = "agents"};
inline constexpr Requirement kGetAgent{.verb = "get", .resource = "agents", .name_parameter = "name"};
inline constexpr Requirement kDeleteAgent{.verb = "delete", .resource = "agents", .name_parameter = "name"};
inline constexpr Requirement kWatchAgent{.verb = "watch", .resource = "agents", .name_parameter = "name"};
inline constexpr Requirement kGetAgentLog{
    .verb = "get", .resource = "agents", .subresource = "log", .name_parameter = "name"};
inline constexpr Requirement kGetAgentEvents{
    .verb = "get", .resource = "agents", .subresource = "events", .name_parameter = "name"};
inline constexpr Requirement kCreateAgentEvents{
    .verb = "create", .resource = "agents", .subresource = "events", .name_parameter = "name", .own_agent = true};
inline constexpr Requirement kGetMetrics{.verb = "get", .url = "/metrics"};

}  // namespace need

}  // namespace fracta::server
