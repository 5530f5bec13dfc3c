// One request, or one streamed answer, with retries.
#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "kube/attempts.hpp"
#include "kube/client_impl.hpp"
#include "kube/user_agent.hpp"

namespace fracta::kube {
namespace {

// Objects above 1.5 MiB do not exist (etcd's limit); whole answers above this are not ours to read.
constexpr std::size_t kMaxAnswer = 64u << 20;
// Of an error's body; a Status with every cause of a long validation is far smaller.
constexpr std::size_t kMaxErrorBody = 256u << 10;

// The second choice is for servers that cannot cut objects down. `v=v1`: a real server ignores `v=1` without a word.
const char* accept_header(Shape shape) {
  switch (shape) {
    case Shape::kMetadata:
      return "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    case Shape::kMetadataList:
      return "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    case Shape::kFull:
      break;
  }
  return "application/json";
}

bool success(int status) { return status >= 200 && status <= 299; }

}  // namespace

Result<void> check_path_segment(std::string_view what, std::string_view name) {
  const char* problem = nullptr;
  if (name.empty()) problem = "must not be empty";
  if (name == "." || name == "..") problem = "may not be '.' or '..'";
  if (name.find_first_of("/%") != std::string_view::npos) problem = "may not contain '/' or '%'";
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) problem = "may not contain control characters";
  if (problem == nullptr) return {};
  return make_error(ErrorCode::kInvalid, std::string(what) + " \"" + shorten(name, 64) + "\": " + problem);
}

Result<void> check_place(const Resource& resource, std::string_view ns, std::string_view name) {
  if (resource.namespaced) FRACTA_TRY(check_path_segment("namespace", ns));
  return check_path_segment("name", name);
}

Client::Impl::Impl(ClientConfig config, std::shared_ptr<net::Transport> transport, const Clock& clock, Options options)
    : config_(std::move(config)),
      transport_(std::move(transport)),
      clock_(clock),
      options_(std::move(options)),
      user_agent_(user_agent(options_.user_agent)),
      metrics_(options_.metrics, config_.server.authority()),
      warnings_(options_.on_warning) {}

net::Request Client::Impl::request(std::string method, std::string target, Shape shape) const {
  net::Request out;
  out.method = std::move(method);
  out.target = config_.server.path + target;
  out.headers = config_.impersonation;
  out.headers.add("User-Agent", user_agent_);
  out.headers.add("Accept", accept_header(shape));
  return out;
}

Result<net::Response> Client::Impl::send(net::Request request, const CallContext& call) {
  Attempts attempts(*this, request.method, call.timeout, call.stop);
  while (true) {
    FRACTA_TRY(attempts.prepare(request));
    const auto start = clock_.steady_now();
    auto answer = transport_->request(
        request, {.timeout = attempts.remaining(), .max_response_bytes = kMaxAnswer, .stop = call.stop});
    metrics_.observe(request.method, answer ? answer->status : 0, clock_.steady_now() - start);
    if (answer) warnings_.handle(answer->headers);
    if (answer && success(answer->status)) return answer;
    auto error = answer ? error_from_answer(answer->status, answer->headers, answer->body)
                        : answer.error().with_context(config_.server.authority());
    if (auto final_error = attempts.again(std::move(error), answer.ok())) return std::move(*final_error);
  }
}

Result<Json> Client::Impl::send_json(net::Request request, const CallContext& call) {
  auto answer = send(std::move(request), call);
  if (!answer) return answer.error();
  auto parsed = parse_json(answer->body);
  if (parsed) return parsed;
  // Something that is no API server answered, e.g. a proxy's login page. No excerpt: it may hold a Secret's data.
  auto error =
      make_error(ErrorCode::kInternal, "the answer of " + config_.server.authority() + " is no JSON (Content-Type " +
                                           shorten(answer->headers.get("Content-Type").value_or("none"), 64) +
                                           "); does the address belong to a Kubernetes API server?");
  error.http_status = answer->status;
  return error;
}

Result<void> Client::Impl::stream(net::Request request, const Limits& limits,
                                  const std::function<bool(std::string_view)>& on_data) {
  Attempts attempts(*this, request.method, limits.head_timeout, limits.stop);
  while (true) {
    FRACTA_TRY(attempts.prepare(request));
    const auto start = clock_.steady_now();
    net::Response head;
    net::StreamHandler handler;
    handler.on_head = [&](const net::Response& answer) {
      head.status = answer.status;
      head.headers = answer.headers;
      metrics_.observe(request.method, head.status, clock_.steady_now() - start);
      warnings_.handle(head.headers);
      if (success(head.status) && limits.on_open) limits.on_open();
      return true;
    };
    handler.on_data = [&](std::string_view bytes) {
      if (success(head.status)) return on_data(bytes);
      head.body += bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, head.body.size()));
      return head.body.size() < kMaxErrorBody;
    };
    auto done = transport_->stream(
        request, {.head_timeout = attempts.remaining(), .idle_timeout = limits.idle_timeout, .stop = limits.stop},
        handler);
    const bool answered = head.status != 0;
    if (!answered) metrics_.observe(request.method, 0, clock_.steady_now() - start);
    if (answered && success(head.status)) return done;
    if (!answered && done) return make_error(ErrorCode::kInternal, "a stream without a head");
    if (limits.stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
    auto error = answered ? error_from_answer(head.status, head.headers, head.body)
                          : done.error().with_context(config_.server.authority());
    if (auto final_error = attempts.again(std::move(error), answered)) return std::move(*final_error);
  }
}

}  // namespace fracta::kube
