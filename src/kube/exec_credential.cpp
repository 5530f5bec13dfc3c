#include "kube/exec_credential.hpp"

#include <unistd.h>

#include <mutex>
#include <utility>

#include <nlohmann/json.hpp>

#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"
#include "kube/token_source.hpp"

namespace fracta::kube {
namespace {

constexpr std::size_t kMaxOutput = 256u << 10;
constexpr std::size_t kMaxHint = 1024;
constexpr std::size_t kMaxStderrShown = 512;
constexpr std::chrono::milliseconds kTimeout{60'000};
// A token about to expire would be refused on arrival; the same 10 s as client-go's token file source.
constexpr std::chrono::seconds kLeeway{10};
// A broken plug-in must not be started for each request.
constexpr std::chrono::seconds kFailureRest{1};

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& extra,
                                          const std::string& info) {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto equals = text.find('='); equals != std::string_view::npos) {
      all[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : extra) all[name] = value;
  all["KUBERNETES_EXEC_INFO"] = info;
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

class ExecToken final : public TokenSource {
 public:
  ExecToken(ExecOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  Result<std::string> token(const std::stop_token& stop) override {
    std::lock_guard lock(mutex_);
    if (credential_ && (!credential_->expiration || clock_.system_now() + kLeeway < *credential_->expiration)) {
      return credential_->token;
    }
    const auto now = clock_.steady_now();
    if (failure_ && now < rest_until_) return *failure_;
    auto fresh = run(stop);
    if (!fresh) {
      if (fresh.error().code == ErrorCode::kCanceled) return fresh.error();
      failure_ = fresh.error();
      rest_until_ = now + kFailureRest;
      return fresh.error();
    }
    failure_.reset();
    credential_ = std::move(*fresh);
    return credential_->token;
  }

  void invalidate(const std::string& refused) override {
    std::lock_guard lock(mutex_);
    if (credential_ && credential_->token == refused) credential_.reset();
  }

 private:
  Result<ExecCredential> run(const std::stop_token& stop) const {
    CommandOptions command;
    command.argv = options_.argv;
    command.environment = environment_with(options_.env, exec_info(options_));
    command.timeout = kTimeout;
    command.max_stdout = kMaxOutput;
    command.stop = stop;
    auto result = options_.run(command);
    const std::string who = options_.place + ": plug-in \"" + shorten(options_.argv.front(), 128) + "\"";
    if (!result) {
      auto error = result.error().with_context(who);
      if (error.code == ErrorCode::kNotFound && !options_.install_hint.empty()) {
        error.message += "; " + shorten(options_.install_hint, kMaxHint);
      }
      return error;
    }
    if (result->exit_code != 0) {
      // Its standard error is meant for people ("session expired, run x login"); its standard output is the secret.
      auto said = trim(result->standard_error);
      return make_error(ErrorCode::kUnauthenticated, who + ": exit code " + std::to_string(result->exit_code) +
                                                         (said.empty() ? "" : ": " + shorten(said, kMaxStderrShown)));
    }
    auto credential = parse_exec_credential(result->standard_output, options_.api_version);
    if (!credential) return credential.error().with_context(who);
    return credential;
  }

  const ExecOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<ExecCredential> credential_;
  std::optional<Error> failure_;
  SteadyTime rest_until_{};
};

Error bad_output(std::string message) { return make_error(ErrorCode::kUnauthenticated, std::move(message)); }

}  // namespace

Result<ExecCredential> parse_exec_credential(std::string_view output, const std::string& api_version) {
  auto parsed = parse_json(output, {.max_depth = 16, .refuse_duplicate_keys = false});
  if (!parsed || !parsed->is_object()) return bad_output("its output is no JSON object");
  if (string_at(*parsed, "kind") != "ExecCredential") return bad_output("its output is no ExecCredential");
  if (auto got = string_at(*parsed, "apiVersion"); got != api_version) {
    return bad_output("it answered with apiVersion \"" + shorten(got, 64) + "\" but is configured as \"" + api_version +
                      "\"");
  }
  const Json* status = find(*parsed, "status");
  if (status == nullptr || !status->is_object()) return bad_output("its output has no status");
  ExecCredential out;
  auto token = clean_token(string_at(*status, "token"), "status.token");
  if (!token) return bad_output(token.error().message);
  out.token = std::move(*token);
  if (out.token.empty()) {
    if (find(*status, "clientCertificateData") != nullptr) {
      return bad_output(
          "it answers with a client certificate, which is not supported; use a plug-in that answers with a token, "
          "or client-certificate/client-key");
    }
    return bad_output("its output has no status.token");
  }
  if (const Json* expires = find(*status, "expirationTimestamp"); expires != nullptr && !expires->is_null()) {
    out.expiration = expires->is_string() ? parse_rfc3339(expires->get_ref<const std::string&>()) : std::nullopt;
    if (!out.expiration) return bad_output("status.expirationTimestamp is no RFC 3339 time");
  }
  return out;
}

std::string exec_info(const ExecOptions& options) {
  Json spec = {{"interactive", false}};
  if (auto cluster = parse_json(options.cluster_json); cluster && cluster->is_object())
    spec["cluster"] = std::move(*cluster);
  return dump_json({{"kind", "ExecCredential"}, {"apiVersion", options.api_version}, {"spec", std::move(spec)}});
}

std::shared_ptr<TokenSource> exec_token(ExecOptions options, const Clock& clock) {
  return std::make_shared<ExecToken>(std::move(options), clock);
}

}  // namespace fracta::kube
