#include "fracta/server/static_tokens.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <chrono>
#include <mutex>

#include "fracta/base/file.hpp"
#include "fracta/base/log.hpp"
#include "fracta/base/text.hpp"
#include "server/access/roles.hpp"
#include "server/access/static_token_file.hpp"

namespace fracta::server {

namespace {

constexpr std::size_t kMaxFile = 1u << 20;
constexpr std::chrono::seconds kLookEvery{1};
constexpr const char* kRoles = "fracta.io/roles";

using Callers = std::vector<StaticCaller>;

Result<Callers> load(const std::string& path) {
  FRACTA_TRY(check_private_file(path));
  auto text = read_file(path, kMaxFile);
  if (!text) return text.error();
  auto callers = parse_static_tokens(*text);
  if (!callers) return callers.error().with_context(path);
  return callers;
}

std::string stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "-";
  return fmt::format("{}:{}:{}:{:o}:{}.{}", info.st_dev, info.st_ino, info.st_size, info.st_mode, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec);
}

Error forbidden(const Identity& identity, const Attributes& attributes) {
  auto what = attributes.url.empty() ? attributes.resource : attributes.url;
  if (!attributes.subresource.empty()) what += "/" + attributes.subresource;
  auto error =
      make_error(ErrorCode::kForbidden, "user \"" + shorten(identity.name, 100) + "\" cannot " + attributes.verb + " " +
                                            what + ": none of its roles in the token file allows it");
  error.reason = "Forbidden";
  return error;
}

}  // namespace

class StaticTokens::Impl {
 public:
  Impl(std::string path, Callers callers, std::string stamp)
      : path_(std::move(path)),
        callers_(std::make_shared<const Callers>(std::move(callers))),
        stamp_(std::move(stamp)) {}

  Result<Identity> authenticate(const net::ServerRequest& request) {
    auto token = bearer_token(request);
    if (!token) return token.error();
    const auto digest = sha256_hex(*token);
    const auto callers = current();
    // All of them, always: how long it takes says nothing of where it fits.
    const StaticCaller* match = nullptr;
    for (const auto& caller : *callers)
      if (constant_time_equal(caller.digest, digest)) match = &caller;
    if (match == nullptr) return make_error(ErrorCode::kUnauthenticated, "the token is not known here");
    Identity identity;
    identity.name = match->user;
    identity.extra[kRoles] = match->roles;
    return identity;
  }

 private:
  std::shared_ptr<const Callers> current() {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return callers_;
    next_look_ = now + kLookEvery;
    auto seen = stamp_of(path_);
    if (seen == stamp_) return callers_;
    stamp_ = std::move(seen);
    if (auto callers = load(path_)) {
      callers_ = std::make_shared<const Callers>(*std::move(callers));
      log::info("server", "token file reloaded", {{"file", path_}, {"tokens", callers_->size()}});
    } else {
      log::error("server", "the token file changed but cannot be used; keeping the last one",
                 {{"file", path_}, {"error", callers.error().message}});
    }
    return callers_;
  }

  const std::string path_;
  std::mutex mutex_;
  std::shared_ptr<const Callers> callers_;
  std::string stamp_;
  std::chrono::steady_clock::time_point next_look_{};
};

Result<std::shared_ptr<StaticTokens>> StaticTokens::create(std::string path) {
  auto stamp = stamp_of(path);  // before the content: a change in between is then seen
  auto callers = load(path);
  if (!callers) return callers.error();
  auto impl = std::make_shared<Impl>(std::move(path), *std::move(callers), std::move(stamp));
  return std::shared_ptr<StaticTokens>(new StaticTokens(std::move(impl)));
}

StaticTokens::StaticTokens(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StaticTokens::~StaticTokens() = default;

Authenticator StaticTokens::authenticator() const {
  return [impl = impl_](const net::ServerRequest& request) { return impl->authenticate(request); };
}

Authorizer StaticTokens::authorizer() {
  return [](const Identity& identity, const Attributes& attributes) -> Result<void> {
    if (auto roles = identity.extra.find(kRoles); roles != identity.extra.end())
      for (const auto& role : roles->second)
        if (role_allows(role, attributes)) return {};
    return forbidden(identity, attributes);
  };
}

}  // namespace fracta::server
