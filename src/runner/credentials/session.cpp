#include "runner/credentials/session.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "fracta/base/text.hpp"
#include "runner/credentials/secret_file.hpp"

namespace fracta::runner {
namespace {

using std::chrono::milliseconds;
using Kind = Fetched::Kind;

std::string label(const ManifestCredential& credential) {
  return fmt::format("credential \"{}\" ({})", credential.name, credential.provider->name);
}

// One write for a line: the child writes to the same stream.
void say(const std::string& text) {
  const std::string line = "fracta: " + text + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

// Tells two values apart without keeping one.
std::string digest_of(const credentials::StoredCredential& credential) {
  return sha256_hex(credential.token + '\0' + credential.url + '\0' + credential.email);
}

std::string names_of(const credentials::Delivery& delivery) {
  std::vector<std::string> names;
  for (const auto& file : delivery.files) names.push_back(file.path);
  for (const auto& [name, value] : delivery.env) names.push_back(name);
  return join(names, ", ");
}

// A variable that would change which programs the agent runs is no credential, whatever an answer holds.
Result<void> check_variables(const credentials::Delivery& delivery, const credentials::Provider& provider) {
  for (const auto& [name, value] : delivery.env)
    if (std::find(provider.environment.begin(), provider.environment.end(), name) == provider.environment.end())
      return make_error(ErrorCode::kInternal, "variable " + name + " is not one of the provider's");
  return {};
}

}  // namespace

Result<std::unique_ptr<CredentialSession>> CredentialSession::create(Manifest manifest,
                                                                     const CredentialTimings& timings) {
  auto client = TokenClient::create(manifest);
  if (!client) return client.error();
  auto journal = Journal::open(manifest.paths.directory);
  if (!journal) return journal.error();
  for (const auto& path : journal->removed()) say(path + " of an earlier run removed");
  if (const auto directory = SafeDirectory::open(manifest.paths.directory, false);
      directory && directory->open_to_all())
    say(manifest.paths.directory + " has no sticky bit: another user of this container could replace files in it");
  return std::unique_ptr<CredentialSession>(
      new CredentialSession(std::move(manifest), timings, *std::move(journal), *std::move(client)));
}

CredentialSession::CredentialSession(Manifest manifest, const CredentialTimings& timings, Journal journal,
                                     std::unique_ptr<TokenClient> client)
    : manifest_(std::move(manifest)),
      timings_(timings),
      suffix_(".tmp-" + random_hex(6)),
      journal_(std::move(journal)),
      client_(std::move(client)) {
  for (const auto& credential : manifest_.credentials) items_.emplace_back(credential, timings_.retry);
}

CredentialSession::~CredentialSession() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  remove_everything();
}

Result<void> CredentialSession::prepare(const std::stop_token& stop) {
  std::vector<Fetched> fetched(items_.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < items_.size(); ++i)
      threads.emplace_back([&, i] { fetched[i] = fetch_until_known(items_[i], stop); });
  }
  if (stop.stop_requested()) return make_error(ErrorCode::kCanceled, "stopped");
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (fetched[i].kind != Kind::kNew) {
      problems.push_back(label(item.credential) + ": " + fetched[i].why);
      continue;
    }
    item.etag = fetched[i].etag;
    item.digest = digest_of(fetched[i].credential);
    if (auto delivered = deliver(item, fetched[i].credential, true); !delivered)
      problems.push_back(label(item.credential) + ": " + delivered.error().message);
  }
  if (problems.empty()) return {};
  return make_error(ErrorCode::kUnavailable, join(problems, "; "));
}

Fetched CredentialSession::fetch_until_known(const Item& item, const std::stop_token& stop) {
  const auto end = clock_.steady_now() + timings_.total;
  Backoff backoff(timings_.retry);
  bool told = false;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - clock_.steady_now());
    Fetched fetched =
        client_->fetch(item.credential, "", std::min(timings_.attempt, std::max(left, milliseconds{1})), stop);
    if (fetched.kind != Kind::kFailed) return fetched;
    const milliseconds pause = std::max(backoff.next(), fetched.retry_after.value_or(milliseconds{0}));
    if (clock_.steady_now() + pause >= end) {
      fetched.why += fmt::format(" (tried for {} s)", timings_.total.count() / 1000);
      return fetched;
    }
    // Else a wrong address would look like an agent that does nothing.
    if (!std::exchange(told, true))
      say(fmt::format("{}: {}; trying for {} s", label(item.credential), fetched.why, timings_.total.count() / 1000));
    if (!wait_for(stop, pause)) {
      fetched.kind = Kind::kCanceled;
      return fetched;
    }
  }
}

// `first`: variables are taken over; later the child has its own already. Returns what could not follow a change.
Result<std::vector<std::string>> CredentialSession::deliver(Item& item, const credentials::StoredCredential& credential,
                                                            bool first) {
  auto delivery = item.credential.provider->deliver(credential, manifest_.paths);
  if (!delivery) return delivery.error();
  FRACTA_TRY(check_variables(*delivery, *item.credential.provider));
  std::vector<std::string> stale;
  for (const auto& file : delivery->files)
    if (std::find(item.files.begin(), item.files.end(), file.path) == item.files.end()) item.files.push_back(file.path);
  FRACTA_TRY(note_files());
  for (const auto& file : delivery->files) FRACTA_TRY(write_secret_file(file.path, file.content, suffix_));
  item.present = true;
  for (const auto& [name, value] : delivery->env) {
    if (first) {
      environment_[name] = value;
    } else if (const auto had = environment_.find(name); had == environment_.end() || had->second != value) {
      stale.push_back(name);
    }
  }
  if (first) say(label(item.credential) + ": " + names_of(*delivery));
  return stale;
}

Result<void> CredentialSession::note_files() {
  std::vector<std::string> all;
  for (const auto& item : items_) {
    for (const auto& path : item.files) {
      all.push_back(path);
      all.push_back(path + suffix_);
    }
  }
  return journal_.note(all);
}

milliseconds CredentialSession::jittered(milliseconds interval) const {
  return milliseconds{
      static_cast<std::int64_t>(static_cast<double>(interval.count()) * (0.8 + 0.4 * random_fraction()))};
}

void CredentialSession::follow() {
  for (auto& item : items_) item.due = clock_.steady_now() + jittered(timings_.poll);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void CredentialSession::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto next =
        std::min_element(items_.begin(), items_.end(), [](const Item& a, const Item& b) { return a.due < b.due; });
    if (!wait_for(stop, std::max<std::chrono::nanoseconds>(next->due - clock_.steady_now(), milliseconds{1}))) return;
    look(*next, stop);
  }
}

void CredentialSession::look(Item& item, const std::stop_token& stop) {
  const Fetched fetched = client_->fetch(item.credential, item.present ? item.etag : "", timings_.attempt, stop);
  auto pause = jittered(timings_.poll);
  switch (fetched.kind) {
    case Kind::kCanceled:
      return;
    case Kind::kNew:
      changed(item, fetched);
      break;
    case Kind::kRevoked:
      revoked(item, fetched.why);
      break;
    case Kind::kUnchanged:
      if (std::exchange(item.failing, false)) say(label(item.credential) + ": answered again, unchanged");
      break;
    case Kind::kRefused:
    case Kind::kFailed:
      // What the agent has stays: a controlplane that is down revokes nothing.
      if (!std::exchange(item.failing, true)) say(label(item.credential) + ": not renewed: " + fetched.why);
      pause = std::max({item.backoff.next(), fetched.retry_after.value_or(milliseconds{0}), timings_.poll / 4});
      item.due = clock_.steady_now() + pause;
      return;
  }
  item.backoff.reset();
  item.due = clock_.steady_now() + pause;
}

void CredentialSession::changed(Item& item, const Fetched& fetched) {
  const std::string digest = digest_of(fetched.credential);
  item.etag = fetched.etag;
  if (digest == item.digest && item.present) {
    if (std::exchange(item.failing, false)) say(label(item.credential) + ": answered again, unchanged");
    return;
  }
  const auto stale = deliver(item, fetched.credential, false);
  if (!stale) {
    item.etag.clear();  // try again with the whole answer
    if (!std::exchange(item.failing, true)) say(label(item.credential) + ": not renewed: " + stale.error().message);
    return;
  }
  item.digest = digest;
  item.failing = false;
  std::string text = label(item.credential) + ": changed";
  if (!item.files.empty()) text += "; written to " + join(item.files, ", ");
  if (!stale->empty()) text += "; " + join(*stale, ", ") + " keep their values until the agent is started again";
  say(text);
}

void CredentialSession::revoked(Item& item, const std::string& why) {
  if (!item.present) return;
  remove_files(item);
  item.present = false;
  item.failing = false;
  say(label(item.credential) + ": taken away: " + why +
      (item.files.empty() ? "" : "; removed " + join(item.files, ", ")));
}

void CredentialSession::remove_files(Item& item) {
  for (const auto& path : item.files) {
    for (const auto& one : {path, path + suffix_})
      if (const auto removed = remove_secret_file(one); !removed) say("not removed: " + removed.error().message);
  }
}

void CredentialSession::remove_everything() {
  for (auto& item : items_) remove_files(item);
  journal_.finish();
}

}  // namespace fracta::runner
