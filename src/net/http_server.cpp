#include "fracta/net/http_server.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "fracta/base/log.hpp"
#include "net/server_engine.hpp"

namespace fracta::net {
namespace {

// How long a destructor without a stop() before it lets handlers finish.
constexpr std::chrono::seconds kDestructorGrace{2};

void name_thread(const std::string& name) { pthread_setname_np(pthread_self(), name.substr(0, 15).c_str()); }

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::create(ServerOptions options, RequestHandler handler) {
  auto tls = TlsSource::create(options.tls);
  if (!tls) return tls.error().with_context("TLS of the HTTP server");
  auto listener = options.unix_socket.empty() ? Listener::tcp(options.host, options.port)
                                              : Listener::unix_socket(options.unix_socket);
  if (!listener) return listener.error();
  auto engine =
      std::make_unique<ServerEngine>(std::move(options), std::move(handler), std::move(*listener), std::move(*tls));
  if (!engine->ready()) return make_error(ErrorCode::kResourceExhausted, "no file descriptors left for an HTTP server");
  return std::unique_ptr<HttpServer>(std::move(engine));
}

ServerEngine::ServerEngine(ServerOptions options, RequestHandler handler, Listener listener, TlsSource tls)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      limits_{options_.max_head_bytes, options_.max_headers, options_.max_body_bytes},
      listener_(std::move(listener)),
      tls_(std::move(tls)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      stop_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      address_(listener_.address()),
      port_(listener_.port()),
      streams_(options_.max_streams) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeId;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

void ServerEngine::start() {
  const std::lock_guard lock(stop_mutex_);
  if (poller_.joinable() || stopping_) return;
  for (std::size_t i = 0; i < std::max<std::size_t>(options_.worker_threads, 1); ++i) {
    workers_.emplace_back([this, i] {
      name_thread(options_.server_name.substr(0, 10) + "-w" + std::to_string(i));
      work_loop(queue_, queue_filled_);
    });
  }
  if (options_.is_urgent) {
    workers_.emplace_back([this] {
      name_thread(options_.server_name.substr(0, 10) + "-urg");
      work_loop(urgent_, urgent_filled_);
    });
  }
  poller_ = std::jthread([this] {
    name_thread(options_.server_name.substr(0, 10) + "-poll");
    poll_loop();
  });
}

void ServerEngine::wake() { eventfd_write(wake_.get(), 1); }

std::vector<ServerEngine::ConnectionPtr> ServerEngine::all_connections() const {
  const std::lock_guard lock(table_mutex_);
  std::vector<ConnectionPtr> list;
  list.reserve(table_.size());
  for (const auto& [id, connection] : table_) list.push_back(connection);
  return list;
}

bool ServerEngine::stop(std::chrono::milliseconds deadline) {
  const std::lock_guard lock(stop_mutex_);
  if (!stopping_.exchange(true)) {
    eventfd_write(stop_event_.get(), 1);
    wake();
  }
  if (!poller_.joinable()) {
    listener_.close();
    return true;
  }
  bool ended = false;
  {
    std::unique_lock active_lock(active_mutex_);
    ended = idle_.wait_for(active_lock, deadline, [this] { return active_ == 0; });
  }
  poller_done_ = true;
  wake();
  poller_.join();
  poller_ = {};
  {
    const std::lock_guard queue_lock(queue_mutex_);
    queue_closed_ = true;
    queue_.clear();
    urgent_.clear();
  }
  queue_filled_.notify_all();
  urgent_filled_.notify_all();
  // Handlers that are still at it find their connection dead.
  for (const auto& connection : all_connections()) connection->channel.abort();
  {
    const std::lock_guard table_lock(table_mutex_);
    table_.clear();
  }
  listener_.close();
  if (!ended) {
    log::warn("net", "HTTP server stopped while handlers were running", {{"server", options_.server_name}});
  }
  return ended;
}

void ServerEngine::refuse_connections(std::chrono::milliseconds how_long) {
  refuse_ms_ = how_long.count();
  wake();
}

ServerEngine::~ServerEngine() { ServerEngine::stop(kDestructorGrace); }

}  // namespace fracta::net
