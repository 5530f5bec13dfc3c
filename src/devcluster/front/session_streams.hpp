// The five channels of an exec or attach session (remotecommand of Kubernetes), whatever carries them. The carrier's
// receiving thread hands in what the client sends; the node's thread takes it out and writes the answers.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>

#include "fracta/devcluster/api.hpp"

namespace fracta::devcluster {

enum class SessionChannel : std::uint8_t { kStdin = 0, kStdout = 1, kStderr = 2, kError = 3, kResize = 4 };

struct SessionOptions {
  bool in = false, out = false, err = false, tty = false;
};

class SessionStreams : public ExecStreams {
 public:
  explicit SessionStreams(const SessionOptions& options) : options_(options) {}

  std::ptrdiff_t read_stdin(char* buffer, std::size_t size, std::chrono::milliseconds timeout) override;
  bool write_stdout(std::string_view bytes) override;
  bool write_stderr(std::string_view bytes) override;
  void on_resize(ResizeCallback callback) override;
  [[nodiscard]] std::stop_token stop() const override { return gone_.get_token(); }

  // The carrier's side. Waits while too much input is unread, so that the client is slowed down; false when the session
  // is over.
  bool input(std::string_view bytes);
  void end_of_input();
  void resize(std::string_view bytes);  // {"Width":80,"Height":24} as the client's JSON encoder wrote it, in any pieces
  void client_gone();                   // input ends, and so does the session

 protected:
  virtual bool send(SessionChannel channel, std::string_view bytes) = 0;
  const SessionOptions options_;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string input_;
  bool input_ended_ = false;
  std::string resize_text_;
  std::array<unsigned short, 2> size_{};  // columns, rows
  ResizeCallback resized_;
  std::stop_source gone_;
};

}  // namespace fracta::devcluster
