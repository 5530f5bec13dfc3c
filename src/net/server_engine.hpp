// The engine behind HttpServer: one poller thread, a fixed number of workers, a bounded number of stream threads.
//
// Every connection is armed in epoll with EPOLLONESHOT, so at most one thread steps it at a time; epoll events carry
// the connection's number, never a pointer, so a late event of a closed connection finds nothing. Lock order:
// Connection::mutex, then any of the engine's mutexes.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fracta/net/http_server.hpp"
#include "net/connection.hpp"
#include "net/listener.hpp"
#include "net/stream_threads.hpp"
#include "net/tls_files.hpp"

namespace fracta::net {

class ServerEngine final : public HttpServer {
 public:
  ServerEngine(ServerOptions options, RequestHandler handler, Listener listener, TlsSource tls);
  ~ServerEngine() override;

  // False when the system has no descriptors left for epoll.
  [[nodiscard]] bool ready() const { return epoll_.valid() && wake_.valid() && stop_event_.valid(); }

  void start() override;
  [[nodiscard]] int port() const override { return port_; }
  [[nodiscard]] std::string address() const override { return address_; }
  bool stop(std::chrono::milliseconds deadline) override;
  void refuse_connections(std::chrono::milliseconds how_long) override;

 private:
  using Clock = std::chrono::steady_clock;
  using ConnectionPtr = std::shared_ptr<Connection>;

  // What an epoll event is about; larger numbers are connections.
  static constexpr std::uint64_t kListenerId = 1;
  static constexpr std::uint64_t kWakeId = 2;

  // server_poller.cpp: runs on the poller thread only.
  void poll_loop();
  void accept_all();
  bool accept_one();
  bool make_room();
  void watch_listener(bool on);
  void on_event(std::uint64_t id, std::uint32_t events);
  void sweep(Clock::time_point now);
  void expire(const ConnectionPtr& connection);
  void close_idle(const ConnectionPtr& connection);
  void step_refusal(Clock::time_point now);

  // server_connection.cpp: steps a connection as far as it goes without waiting; Connection::mutex is held.
  void step(const ConnectionPtr& connection);
  bool step_handshake(const ConnectionPtr& connection);
  bool step_reading(const ConnectionPtr& connection);
  bool step_writing(const ConnectionPtr& connection);
  bool step_linger(const ConnectionPtr& connection);
  bool parse(const ConnectionPtr& connection);
  bool count_body(Connection& connection);
  void refuse(Connection& connection, int status, const std::string& message);
  void wait_for(const ConnectionPtr& connection, IoState state);
  void arm(Connection& connection, std::uint32_t events);
  void next_request(Connection& connection);
  void linger(Connection& connection);
  void close(const ConnectionPtr& connection);
  void release(Connection& connection);

  // server_handlers.cpp: runs on workers and stream threads.
  void work_loop(std::deque<ConnectionPtr>& queue, std::condition_variable& filled);
  void enqueue(const ConnectionPtr& connection);
  void handle(const ConnectionPtr& connection);
  ServerResponse call_handler(const ServerRequest& request);
  void answer(const ConnectionPtr& connection, ServerResponse response);
  void reset(const ConnectionPtr& connection);
  void start_stream(const ConnectionPtr& connection, ServerResponse response);
  void run_stream(const ConnectionPtr& connection, const ServerResponse& response);
  bool run_chunks(Connection& connection, const ServerResponse& response, const std::stop_token& stop);
  bool run_upgrade(Connection& connection, const ServerResponse& response, const std::stop_token& stop);

  [[nodiscard]] std::vector<ConnectionPtr> all_connections() const;
  void wake();

  const ServerOptions options_;
  const RequestHandler handler_;
  const RequestLimits limits_;
  Listener listener_;
  TlsSource tls_;  // poller thread
  Descriptor epoll_;
  Descriptor wake_;        // eventfd: the poller should look at the flags below
  Descriptor stop_event_;  // eventfd: readable from stop() on
  std::atomic<bool> stopping_{false};
  std::atomic<bool> poller_done_{false};
  Clock::time_point accept_again_{};                  // poller thread; set while the process is out of descriptors
  bool accepting_ = false;                            // poller thread
  std::atomic<std::int64_t> refuse_ms_{0};            // asked for by refuse_connections()
  Clock::time_point refuse_from_{}, refuse_until_{};  // poller thread
  const std::string address_;                         // the listener's, also while it is closed
  const int port_;

  mutable std::mutex table_mutex_;
  std::unordered_map<std::uint64_t, ConnectionPtr> table_;
  std::uint64_t next_id_ = kWakeId + 1;  // poller thread

  std::mutex queue_mutex_;
  std::condition_variable queue_filled_, urgent_filled_;
  std::deque<ConnectionPtr> queue_, urgent_;
  bool queue_closed_ = false;

  std::mutex active_mutex_;
  std::condition_variable idle_;
  std::size_t active_ = 0;  // requests between their last byte and the last byte of their answer
  std::atomic<std::size_t> body_bytes_{0};

  std::mutex stop_mutex_;  // one stop() at a time
  StreamThreads streams_;
  std::vector<std::jthread> workers_;
  std::jthread poller_;
};

}  // namespace fracta::net
