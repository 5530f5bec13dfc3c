// pods/log.
#include <fmt/format.h>

#include "devcluster/front/pod_container.hpp"
#include "devcluster/validation/field_errors.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

Kind log_options_kind() {
  Kind kind;
  kind.kind = "PodLogOptions";
  return kind;
}

// Go's strconv.ParseInt, with its words. Unlike other parameters these may not be empty either.
Outcome<std::optional<std::int64_t>> number_parameter(const Call& call, const char* name) {
  const auto text = call.http->query_parameter(name);
  if (!text) return std::optional<std::int64_t>();
  const auto value = parse_int(*text);
  if (value) return std::optional<std::int64_t>(value);
  const std::string_view digits = std::string_view(*text).substr(text->starts_with('-') || text->starts_with('+'));
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  return bad_request(fmt::format("strconv.ParseInt: parsing {}: {}", go_quote(*text),
                                 number ? "value out of range" : "invalid syntax"));
}

Outcome<NodeLogOptions> read_options(const Call& call) {
  NodeLogOptions options;
  options.container = call.parameter("container");
  options.follow = call.flag("follow");
  options.previous = call.flag("previous");
  options.timestamps = call.flag("timestamps");
  options.since_time = call.parameter("sinceTime");
  auto seconds = number_parameter(call, "sinceSeconds");
  if (!seconds.ok()) return seconds.failure();
  if (!options.since_time.empty() && !parse_rfc3339(options.since_time))
    return bad_request(
        fmt::format("parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as "
                    "\"2006\"",
                    options.since_time));
  auto tail = number_parameter(call, "tailLines");
  if (!tail.ok()) return tail.failure();
  auto limit = number_parameter(call, "limitBytes");
  if (!limit.ok()) return limit.failure();
  options.tail_lines = *tail;
  options.limit_bytes = *limit;

  FieldErrors errors;
  if (options.tail_lines && *options.tail_lines < 0)
    errors.invalid("tailLines", *options.tail_lines, "must be greater than or equal to 0");
  if (options.limit_bytes && *options.limit_bytes < 1)
    errors.invalid("limitBytes", *options.limit_bytes, "must be greater than 0");
  if (*seconds && !options.since_time.empty())  // a real server prints a path without elements like this
    errors.forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified");
  else if (*seconds && **seconds < 1)
    errors.invalid("sinceSeconds", **seconds, "must be greater than 0");
  if (!errors.empty()) return errors.to_failure(log_options_kind(), call.name);
  if (*seconds)
    options.since_time = format_rfc3339_nano(std::chrono::system_clock::now() - std::chrono::seconds(**seconds));
  return options;
}

const Json* container_status(const Json& pod, const std::string& name) {
  for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
    const Json* statuses = find_path(pod, std::string("status/") + list);
    if (statuses == nullptr) continue;
    for (const Json& status : *statuses) {
      if (string_at(status, "name") == name) return &status;
    }
  }
  return nullptr;
}

// What a kubelet answers when there is nothing to read yet.
Outcome<Done> check_started(const Json& pod, const std::string& name, const NodeLogOptions& options) {
  const Json* status = container_status(pod, options.container);
  if (options.previous) {
    if (status == nullptr || find_path(*status, "lastState/terminated") == nullptr) {
      return bad_request(
          fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", options.container, name));
    }
    return Done{};
  }
  const std::string waiting = status == nullptr ? "" : string_at(*status, "state/waiting/reason");
  const bool ran = status != nullptr && (find_path(*status, "state/running") != nullptr ||
                                         find_path(*status, "state/terminated") != nullptr ||
                                         find_path(*status, "lastState/terminated") != nullptr);
  if (ran) return Done{};
  const std::string phase = string_at(pod, "status/phase");
  if (status == nullptr && (phase == "Succeeded" || phase == "Failed")) return Done{};
  if (waiting == "ErrImagePull" || waiting == "ImagePullBackOff") {
    return bad_request(
        fmt::format("container \"{}\" in pod \"{}\" is waiting to start: trying and failing to pull image",
                    options.container, name));
  }
  return bad_request(fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", options.container, name,
                                 waiting.empty() ? "ContainerCreating" : waiting));
}

}  // namespace

net::ServerResponse serve_log(Call& call, const Services& services) {
  auto options = read_options(call);
  if (!options.ok()) return answer_failure(call, options.failure());
  auto record = services.registry->get(*call.kind, call.ns, call.name);
  if (!record.ok()) return answer_failure(call, record.failure());
  const Json& pod = (*record)->object;
  auto chosen = choose_container(pod, options->container);
  if (!chosen.ok()) return answer_failure(call, chosen.failure());
  options->container = *chosen;
  NodeServices* node = services.node ? services.node() : nullptr;
  // An unscheduled pod has no log: an empty answer.
  if (string_at(pod, "spec/nodeName").empty() || node == nullptr) return net::ServerResponse::text(204, "");
  if (auto started = check_started(pod, call.name, *options); !started.ok())
    return answer_failure(call, started.failure());

  net::ServerResponse response;
  response.headers.set("Content-Type", "text/plain");
  response.headers.set("Cache-Control", "no-cache, private");
  if (options->follow) {
    response.stream = [node, kept = *record, wanted = *options](net::ResponseStream& stream) {
      // The head is out already: an error can only end the stream.
      static_cast<void>(node->log(
          kept->object, wanted, [&](std::string_view bytes) { return stream.write(bytes); }, stream.stop()));
    };
    return response;
  }
  std::string text;
  auto done = node->log(pod, *options,
                        [&](std::string_view bytes) {
                          text.append(bytes);
                          return true;
                        },
                        {});
  if (!done) return answer_failure(call, from_error(done.error()));
  response.body = std::move(text);
  return response;
}

}  // namespace fracta::devcluster
