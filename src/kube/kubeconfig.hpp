// kubeconfig text -> ClientConfig, without touching anything but the files it names. Rules: client-go tools/clientcmd
// (loader.go, validation.go, client_config.go) and kubernetes.io, "Organizing Cluster Access Using kubeconfig Files".
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fracta/base/json.hpp"
#include "fracta/kube/client_config.hpp"

namespace fracta::kube {

// One named entry and the file it came from.
struct KubeconfigEntry {
  std::string file;
  Json value;  // an object
};

// The merge of all files.
struct Kubeconfig {
  std::vector<std::string> files;
  std::map<std::string, KubeconfigEntry, std::less<>> clusters;
  std::map<std::string, KubeconfigEntry, std::less<>> users;
  std::map<std::string, KubeconfigEntry, std::less<>> contexts;
  std::string current_context;
  std::string current_context_file;
};

// Adds the text of `path` (used for messages and as the anchor of relative paths). What is there already wins.
Result<void> merge_kubeconfig(Kubeconfig& into, std::string_view text, const std::string& path);

// Reads the certificate files a kubeconfig names; read_file in production.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

// `context` empty = current-context. No process is started and no network used here.
Result<ClientConfig> resolve_kubeconfig(const Kubeconfig& merged, const std::string& context, const FileReader& read,
                                        const Clock& clock);

}  // namespace fracta::kube
