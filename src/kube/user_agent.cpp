#include "kube/user_agent.hpp"

#include "fracta/version.hpp"

namespace fracta::kube {
namespace {

#if defined(__x86_64__)
constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
constexpr std::string_view kPlatform = "linux/arm64";
#else
constexpr std::string_view kPlatform = "linux/unknown";
#endif

}  // namespace

std::string user_agent(std::string_view product) {
  std::string out(product);
  out += "/";
  out += kVersion;
  out += " (";
  out += kPlatform;
  out += ") fracta/";
  out += kCommit;
  return out;
}

}  // namespace fracta::kube
