#include "net/tls_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "fracta/base/file.hpp"
#include "fracta/base/log.hpp"

namespace fracta::net {
namespace {

constexpr std::chrono::seconds kLookEvery{1};

std::string file_stamp(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "-";
  return fmt::format("{}:{}:{}:{}.{}", info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec);
}

}  // namespace

Result<TlsSource> TlsSource::create(const ServerTlsOptions& options) {
  TlsSource source;
  source.options_ = options;
  if (options.certificate_file.empty() && options.certificate_pem.empty() && !options.certificate_source) return source;
  source.stamp_ = source.stamp();
  auto context = source.load();
  if (!context) return context.error();
  source.context_ = std::move(*context);
  return source;
}

std::string TlsSource::stamp() const {
  if (options_.certificate_source) return options_.certificate_source().certificate_pem;
  return file_stamp(options_.certificate_file) + "/" + file_stamp(options_.key_file);
}

Result<TlsContext> TlsSource::load() const {
  if (options_.certificate_source) {
    const auto pair = options_.certificate_source();
    return make_server_context(pair.certificate_pem, pair.key_pem, options_.client_ca_pem);
  }
  if (options_.certificate_file.empty()) {
    return make_server_context(options_.certificate_pem, options_.key_pem, options_.client_ca_pem);
  }
  auto certificate = read_file(options_.certificate_file);
  if (!certificate) return certificate.error();
  auto key = read_file(options_.key_file);
  if (!key) return key.error();
  auto context = make_server_context(*certificate, *key, options_.client_ca_pem);
  if (!context) return context.error().with_context(options_.certificate_file);
  return context;
}

TlsContext TlsSource::current() {
  const auto now = std::chrono::steady_clock::now();
  const bool changes = !options_.certificate_file.empty() || options_.certificate_source;
  if (!changes || now < next_look_) return context_;
  next_look_ = now + kLookEvery;
  auto seen = stamp();
  if (seen == stamp_) return context_;
  auto context = load();
  if (!context) {
    log::warn("net", "the TLS certificate changed but cannot be used; keeping the last one",
              {{"file", options_.certificate_file}, {"error", context.error().message}});
    return context_;
  }
  stamp_ = std::move(seen);
  context_ = std::move(*context);
  log::info("net", "TLS certificate reloaded", {{"file", options_.certificate_file}});
  return context_;
}

}  // namespace fracta::net
