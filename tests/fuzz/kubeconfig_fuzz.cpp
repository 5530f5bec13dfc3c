// A kubeconfig is read from wherever an operator points: no text may crash, hang or exhaust memory, start a process
// or read a file outside the reader it is given.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fracta/base/clock.hpp"
#include "kube/exec_credential.hpp"
#include "kube/kubeconfig.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fracta;
  using namespace fracta::kube;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const FakeClock clock;
  static const FileReader read = [](const std::string& path) -> Result<std::string> {
    return path.size() % 2 == 0 ? Result<std::string>(std::string("PEM")) : make_error(ErrorCode::kNotFound, path);
  };
  Kubeconfig merged;
  // Two files: the text cut in the middle, so that merging is exercised too.
  const auto half = text.find("\n---\n");
  const auto first = merge_kubeconfig(merged, text.substr(0, half), "/home/u/.kube/config");
  if (half != std::string_view::npos) static_cast<void>(merge_kubeconfig(merged, text.substr(half + 5), "/etc/other"));
  const auto resolved = resolve_kubeconfig(merged, "", read, clock);
  const auto& error = !first      ? first.error().message
                      : !resolved ? resolved.error().message
                                  : std::string("kubeconfig ");
  if (error.rfind("kubeconfig ", 0) != 0) std::abort();  // every error names the file
  if (resolved) {
    for (const auto& [name, value] : resolved->impersonation.entries()) {
      if (value.find_first_of("\r\n") != std::string::npos) std::abort();
    }
  }
  if (auto credential = parse_exec_credential(text, "client.authentication.k8s.io/v1")) {
    if (credential->token.find_first_of("\r\n ") != std::string::npos) std::abort();
  }
  return 0;
}
