#include "devcluster/front/proxied_call.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMaxAhead = 1u << 20;  // of the body, in memory
constexpr std::chrono::seconds kHeadTimeout{60};
constexpr std::chrono::hours kSilence{1};

bool is_hop_by_hop(std::string_view name) {
  for (const auto* ours : {"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "TE", "Trailer",
                           "Transfer-Encoding", "Upgrade", "Content-Length"})
    if (iequals(name, ours)) return true;
  return false;
}

// The call's thread puts in what arrives, the answer's thread takes it out.
class Exchange {
 public:
  Exchange(std::unique_ptr<net::Transport> transport, net::Request request)
      : transport_(std::move(transport)), request_(std::move(request)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  Result<net::ServerResponse> head() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return head_ || ended_; });
    if (!head_) return error_;
    net::ServerResponse response;
    response.status = head_->status;
    for (const auto& [name, value] : head_->headers.entries())
      if (!is_hop_by_hop(name)) response.headers.add(name, value);
    return response;
  }

  void forward(net::ResponseStream& stream) {
    while (true) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stream.stop(), [&] { return !chunks_.empty() || ended_; }) || chunks_.empty()) return;
      const std::string chunk = std::move(chunks_.front());
      chunks_.pop_front();
      ahead_ -= chunk.size();
      lock.unlock();
      changed_.notify_all();
      if (!stream.write(chunk)) return;
    }
  }

 private:
  void run(const std::stop_token& stop) {
    net::StreamOptions options;
    options.head_timeout = kHeadTimeout;
    options.idle_timeout = kSilence;
    options.stop = stop;
    net::StreamHandler handler;
    handler.on_head = [&](const net::Response& head) {
      const std::lock_guard lock(mutex_);
      head_ = head;
      changed_.notify_all();
      return true;
    };
    handler.on_data = [&](std::string_view bytes) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return ahead_ < kMaxAhead; })) return false;
      chunks_.emplace_back(bytes);
      ahead_ += bytes.size();
      changed_.notify_all();
      return true;
    };
    const auto result = transport_->stream(request_, options, handler);
    const std::lock_guard lock(mutex_);
    if (!result) error_ = result.error();
    ended_ = true;
    changed_.notify_all();
  }

  std::unique_ptr<net::Transport> transport_;
  const net::Request request_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<net::Response> head_;
  std::deque<std::string> chunks_;
  std::size_t ahead_ = 0;
  Error error_ = make_error(ErrorCode::kUnavailable, "no answer");
  bool ended_ = false;
  std::jthread thread_;  // last: starts when all else is there, ends before it goes
};

}  // namespace

Result<net::ServerResponse> call_through(const net::Url& url, net::Request request) {
  net::TransportOptions options;
  options.tls.insecure_skip_verify = true;  // as the API server's proxy towards pods
  options.max_idle_connections = 0;
  auto transport = net::make_http_transport(url, options);
  if (!transport) return transport.error();
  net::Headers headers;
  for (const auto& [name, value] : request.headers.entries())
    if (!is_hop_by_hop(name)) headers.add(name, value);
  request.headers = std::move(headers);
  auto exchange = std::make_shared<Exchange>(std::move(*transport), std::move(request));
  auto response = exchange->head();
  if (response) response->stream = [exchange](net::ResponseStream& stream) { exchange->forward(stream); };
  return response;
}

}  // namespace fracta::devcluster
