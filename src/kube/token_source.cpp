#include "kube/token_source.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "fracta/base/file.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"

namespace fracta::kube {
namespace {

// client-go: a token is taken to live a minute and is renewed 10 s before its end.
constexpr std::chrono::seconds kTokenLife{60};
constexpr std::chrono::seconds kLeeway{10};
constexpr std::size_t kMaxToken = 64u << 10;

class StaticToken final : public TokenSource {
 public:
  explicit StaticToken(std::string token) : token_(std::move(token)) {}
  Result<std::string> token(const std::stop_token& /*stop*/) override { return token_; }

 private:
  const std::string token_;
};

class FileToken final : public TokenSource {
 public:
  FileToken(std::string path, std::string fallback, const Clock& clock)
      : path_(std::move(path)), clock_(clock), good_(std::move(fallback)) {}

  Result<std::string> token(const std::stop_token& /*stop*/) override {
    std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    if (fresh_ && now < *fresh_) return good_;
    auto read = read_now();
    // Also after a failure the next attempt is a while away: a missing file must not cost a read per request.
    fresh_ = now + kTokenLife - kLeeway;
    if (read) {
      good_ = std::move(*read);
      failing_ = false;
      return good_;
    }
    if (good_.empty()) {
      fresh_.reset();
      return read.error();
    }
    if (!std::exchange(failing_, true)) {
      log::warn("kube", "token file unreadable, using the last good token", {{"error", read.error().message}});
    }
    return good_;
  }

  void invalidate(const std::string& refused) override {
    std::lock_guard lock(mutex_);
    if (good_ == refused) fresh_.reset();
  }

 private:
  Result<std::string> read_now() const {
    auto text = read_file(path_, kMaxToken);
    if (!text) return text.error().with_context("token file " + path_);
    auto token = clean_token(*text, "token file " + path_);
    if (token && token->empty()) return make_error(ErrorCode::kInvalid, "token file " + path_ + ": is empty");
    return token;
  }

  const std::string path_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string good_;
  std::optional<SteadyTime> fresh_;
  bool failing_ = false;
};

}  // namespace

Result<std::string> clean_token(std::string_view text, const std::string& what) {
  auto token = trim(text);
  const bool control =
      std::any_of(token.begin(), token.end(), [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7f; });
  if (control)
    return make_error(ErrorCode::kInvalid, what + ": holds a space or control character, which no token does");
  return std::string(token);
}

std::shared_ptr<TokenSource> static_token(std::string token) { return std::make_shared<StaticToken>(std::move(token)); }

std::shared_ptr<TokenSource> file_token(std::string path, std::string fallback, const Clock& clock) {
  return std::make_shared<FileToken>(std::move(path), std::move(fallback), clock);
}

}  // namespace fracta::kube
