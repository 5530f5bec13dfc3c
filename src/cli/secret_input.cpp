#include "cli/secret_input.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>
#include <istream>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"

namespace fracta::cli {

namespace {

constexpr std::size_t kMaxSecret = 64u << 10;

// Puts the terminal back whatever happens in between.
class EchoOff {
 public:
  explicit EchoOff(int fd) : fd_(fd), changed_(tcgetattr(fd, &before_) == 0) {
    if (!changed_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  [[nodiscard]] bool ok() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_;
};

Result<std::string> not_empty(std::string_view text) {
  const auto secret = trim(text);
  if (secret.empty()) return make_error(ErrorCode::kInvalid, "the token is empty");
  return std::string(secret);
}

}  // namespace

Result<std::string> read_secret(const std::string& file, Context& context) {
  if (file != "-") {
    auto text = read_file(file, kMaxSecret);
    return text ? not_empty(*text) : Result<std::string>(text.error());
  }
  std::string text;
  char byte = 0;
  while (context.in.get(byte)) {
    if (text.size() >= kMaxSecret) return make_error(ErrorCode::kInvalid, "more than 64 KiB on standard input");
    text.push_back(byte);
  }
  return not_empty(text);
}

Result<std::string> prompt_secret(const std::string& prompt) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0)
    return make_error(ErrorCode::kInvalid, "no terminal to ask on: give --token-file FILE, or - for standard input");
  std::string text;
  bool complete = false;
  {
    const EchoOff silent(terminal);
    const auto written = ::write(terminal, prompt.data(), prompt.size());
    char byte = 0;
    while (written >= 0 && silent.ok() && text.size() < kMaxSecret && ::read(terminal, &byte, 1) == 1) {
      complete = byte == '\n';
      if (complete) break;
      text.push_back(byte);
    }
  }
  ::close(terminal);
  if (!complete) return make_error(ErrorCode::kInvalid, "nothing was entered");
  return not_empty(text);
}

}  // namespace fracta::cli
