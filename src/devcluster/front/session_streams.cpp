#include "devcluster/front/session_streams.hpp"

#include <algorithm>

#include "fracta/base/json.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::size_t kMaxUnread = 1u << 20;
constexpr std::size_t kMaxResizeText = 4u << 10;

}  // namespace

std::ptrdiff_t SessionStreams::read_stdin(char* buffer, std::size_t size, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, timeout, [&] { return !input_.empty() || input_ended_; })) return -2;
  const auto take = std::min(size, input_.size());
  std::copy_n(input_.data(), take, buffer);
  input_.erase(0, take);
  lock.unlock();
  changed_.notify_all();
  return static_cast<std::ptrdiff_t>(take);
}

bool SessionStreams::write_stdout(std::string_view bytes) {
  return !gone_.stop_requested() && (!options_.out || send(SessionChannel::kStdout, bytes));
}

bool SessionStreams::write_stderr(std::string_view bytes) {
  return !gone_.stop_requested() && (!options_.err || send(SessionChannel::kStderr, bytes));
}

void SessionStreams::on_resize(ResizeCallback callback) {
  const std::lock_guard lock(mutex_);  // held during calls too: after on_resize({}) no call is running
  resized_ = std::move(callback);
  if (resized_ && size_[0] != 0) resized_(size_[0], size_[1]);
}

bool SessionStreams::input(std::string_view bytes) {
  if (!options_.in) return true;
  std::unique_lock lock(mutex_);
  (void)changed_.wait(lock, gone_.get_token(), [&] { return input_.size() < kMaxUnread; });
  if (gone_.stop_requested()) return false;
  input_.append(bytes);
  lock.unlock();
  changed_.notify_all();
  return true;
}

void SessionStreams::end_of_input() {
  {
    const std::lock_guard lock(mutex_);
    input_ended_ = true;
  }
  changed_.notify_all();
}

void SessionStreams::resize(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  resize_text_.append(bytes);
  for (auto end = resize_text_.find('}'); end != std::string::npos; end = resize_text_.find('}')) {
    const auto size = parse_json(std::string_view(resize_text_).substr(0, end + 1));
    resize_text_.erase(0, end + 1);
    if (!size || !size->is_object()) continue;
    const auto side = [&](const char* name) {
      return static_cast<unsigned short>(std::clamp<std::int64_t>(int_at(*size, name).value_or(0), 0, 0xffff));
    };
    size_ = {side("Width"), side("Height")};
    if (resized_ && size_[0] != 0) resized_(size_[0], size_[1]);
  }
  if (resize_text_.size() > kMaxResizeText) resize_text_.clear();
}

void SessionStreams::client_gone() {
  end_of_input();
  gone_.request_stop();
}

}  // namespace fracta::devcluster
