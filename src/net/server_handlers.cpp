// Workers and stream threads: where handlers run.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <exception>

#include "fracta/base/log.hpp"
#include "net/response_writer.hpp"
#include "net/server_engine.hpp"
#include "net/stream_io.hpp"

namespace fracta::net {

void ServerEngine::enqueue(const ConnectionPtr& connection) {
  connection->active = true;
  {
    const std::lock_guard lock(active_mutex_);
    ++active_;
  }
  const bool urgent = options_.is_urgent && options_.is_urgent(connection->parser.request());
  {
    const std::lock_guard lock(queue_mutex_);
    (urgent ? urgent_ : queue_).push_back(connection);  // bounded by max_connections
  }
  (urgent ? urgent_filled_ : queue_filled_).notify_one();
}

void ServerEngine::work_loop(std::deque<ConnectionPtr>& queue, std::condition_variable& filled) {
  while (true) {
    ConnectionPtr connection;
    {
      std::unique_lock lock(queue_mutex_);
      filled.wait(lock, [&] { return queue_closed_ || !queue.empty(); });
      if (queue_closed_) return;
      connection = std::move(queue.front());
      queue.pop_front();
    }
    handle(connection);
  }
}

void ServerEngine::handle(const ConnectionPtr& connection) {
  ServerRequest& request = connection->parser.request();
  request.peer_address = connection->peer_address;
  request.tls = connection->channel.tls();
  request.client_common_name = connection->identity.common_name;
  request.client_organizations = connection->identity.organizations;
  auto response = call_handler(request);
  const bool stream = static_cast<bool>(response.stream) && request.method != "HEAD";
  const bool upgrade = static_cast<bool>(response.upgrade) && response.status == 101;
  if (response.ending == Ending::kReset) {
    reset(connection);
  } else if (stream || upgrade || response.ending == Ending::kSilence) {
    start_stream(connection, std::move(response));
  } else {
    answer(connection, std::move(response));
  }
}

ServerResponse ServerEngine::call_handler(const ServerRequest& request) {
  try {
    auto response = handler_(request);
    const bool upgrade = response.status == 101 && response.upgrade;
    if (upgrade || (response.status >= 200 && response.status <= 599)) return response;
    log::error("net", "handler answered with an impossible status",
               {{"server", options_.server_name}, {"status", response.status}});
  } catch (const std::exception& error) {
    log::error("net", "handler failed",
               {{"server", options_.server_name}, {"method", request.method}, {"what", error.what()}});
  } catch (...) {
    log::error("net", "handler failed", {{"server", options_.server_name}, {"method", request.method}});
  }
  return ServerResponse::text(500, "internal error\n");
}

void ServerEngine::answer(const ConnectionPtr& connection, ServerResponse response) {
  auto& parser = connection->parser;
  HeadOptions options;
  options.http10 = parser.http10();
  options.keep_alive = parser.keep_alive() && !stopping_;
  const bool head_only = parser.request().method == "HEAD";
  if (response.stream) options.framing = options.http10 ? Framing::kUntilClose : Framing::kChunked;  // HEAD of a stream
  std::string bytes = response_head(response, options);
  if (!head_only && may_have_body(response.status)) bytes += response.body;
  if (response.ending == Ending::kCut && response.cut_at < response.body.size()) {
    options.keep_alive = false;
    bytes.resize(bytes.size() - (response.body.size() - response.cut_at));
  }
  const std::lock_guard lock(connection->mutex);
  connection->outbox = std::move(bytes);
  connection->sent = 0;
  connection->close_after_write = !options.keep_alive;
  connection->phase = Phase::kWriting;
  connection->deadline = Clock::now() + options_.write_timeout;
  step(connection);
}

// Closing a socket that does not linger makes the kernel send a reset.
void ServerEngine::reset(const ConnectionPtr& connection) {
  const ::linger at_once{1, 0};
  setsockopt(connection->channel.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const std::lock_guard lock(connection->mutex);
  close(connection);
}

void ServerEngine::start_stream(const ConnectionPtr& connection, ServerResponse response) {
  {
    const std::lock_guard lock(connection->mutex);
    connection->phase = Phase::kStreaming;
    connection->stop.emplace();
    if (stopping_) connection->stop->request_stop();
    arm(*connection, EPOLLRDHUP);
  }
  const auto shared = std::make_shared<const ServerResponse>(std::move(response));
  if (streams_.start([this, connection, shared] { run_stream(connection, *shared); })) return;
  auto busy = ServerResponse::text(503, "too many streams are open; close one or try again later\n");
  busy.headers.add("Retry-After", "1");
  answer(connection, std::move(busy));
}

void ServerEngine::run_stream(const ConnectionPtr& connection, const ServerResponse& response) {
  const auto stop = connection->stop->get_token();
  bool complete = false;
  try {
    complete = response.upgrade ? run_upgrade(*connection, response, stop) : run_chunks(*connection, response, stop);
  } catch (const std::exception& error) {
    log::error("net", "stream handler failed", {{"server", options_.server_name}, {"what", error.what()}});
  } catch (...) {
    log::error("net", "stream handler failed", {{"server", options_.server_name}});
  }
  const std::lock_guard lock(connection->mutex);
  if (!complete || response.upgrade) {
    // An answer cut short must look cut short: no last chunk, and the connection ends.
    release(*connection);
    linger(*connection);
    step(connection);
    return;
  }
  connection->outbox.clear();
  connection->sent = 0;
  connection->close_after_write =
      !connection->parser.keep_alive() || connection->parser.http10() || stopping_ || stop.stop_requested();
  connection->phase = Phase::kWriting;
  connection->deadline = Clock::now() + options_.write_timeout;
  step(connection);
}

bool ServerEngine::run_chunks(Connection& connection, const ServerResponse& response, const std::stop_token& stop) {
  if (response.ending == Ending::kSilence) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    never.wait(lock, stop, [] { return false; });
    return false;
  }
  HeadOptions options;
  options.http10 = connection.parser.http10();
  options.framing = options.http10 ? Framing::kUntilClose : Framing::kChunked;
  options.keep_alive = connection.parser.keep_alive() && !options.http10;
  ChunkStream stream(connection, stop, options_.write_timeout, !options.http10);
  if (!stream.write_head(response_head(response, options))) return false;
  response.stream(stream);
  return response.ending != Ending::kCut && stream.finish();
}

bool ServerEngine::run_upgrade(Connection& connection, const ServerResponse& response, const std::stop_token& stop) {
  HeadOptions options;
  options.framing = Framing::kUpgrade;
  if (!write_all(connection.channel, response_head(response, options), options_.write_timeout)) return false;
  UpgradedConnection raw(connection, stop, stop_event_.get(), options_.write_timeout);
  response.upgrade(raw);
  return true;
}

}  // namespace fracta::net
