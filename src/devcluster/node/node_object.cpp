#include "devcluster/node/node_object.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fracta/base/file.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {
namespace {

std::string go_architecture() {
  struct utsname name {};
  if (::uname(&name) != 0) return "amd64";
  const std::string machine = name.machine;
  return machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
}

std::string os_image() {
  for (const auto& line : split(read_file("/etc/os-release", 64u << 10).value_or(""), '\n'))
    if (line.rfind("PRETTY_NAME=", 0) == 0) {
      std::string name = line.substr(12);
      if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
      return name;
    }
  return "Linux";
}

Json condition(const char* type, bool status, const char* reason, const char* message, const std::string& now) {
  return {{"type", type},
          {"status", status ? "True" : "False"},
          {"reason", reason},
          {"message", message},
          {"lastHeartbeatTime", now},
          {"lastTransitionTime", now}};
}

}  // namespace

NodeFacts machine_facts(const std::string& node_name, const std::string& directory) {
  NodeFacts facts;
  facts.name = node_name;
  facts.host_ip = "127.0.0.1";
  facts.cpu_milli = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)) * 1000;
  facts.memory_bytes = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) == 0)
    facts.storage_bytes = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
  return facts;
}

Json node_labels(const std::string& node_name) {
  const std::string arch = go_architecture();
  return {{"beta.kubernetes.io/arch", arch},
          {"beta.kubernetes.io/os", "linux"},
          {"kubernetes.io/arch", arch},
          {"kubernetes.io/hostname", node_name},
          {"kubernetes.io/os", "linux"}};
}

Json make_node_object(const NodeFacts& facts, SystemTime time) {
  const std::string now = format_rfc3339(time);
  struct utsname name {};
  (void)::uname(&name);
  const Json resources{{"cpu", std::to_string(facts.cpu_milli / 1000)},
                       {"memory", fmt::format("{}Ki", facts.memory_bytes / 1024)},
                       {"ephemeral-storage", fmt::format("{}Ki", facts.storage_bytes / 1024)},
                       {"pods", "110"}};
  Json status{{"capacity", resources}, {"allocatable", resources}};
  status["addresses"] = {{{"type", "InternalIP"}, {"address", facts.host_ip}},
                         {{"type", "Hostname"}, {"address", facts.name}}};
  status["conditions"] = {
      condition("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available", now),
      condition("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure", now),
      condition("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available", now),
      condition("Ready", true, "KubeletReady", "kubelet is posting ready status", now)};
  status["nodeInfo"] = {{"architecture", go_architecture()},
                        {"operatingSystem", "linux"},
                        {"osImage", os_image()},
                        {"kernelVersion", name.release},
                        {"containerRuntimeVersion", "fracta://0.1.0"},
                        {"kubeletVersion", "v1.26.0-fracta"},
                        {"kubeProxyVersion", "v1.26.0-fracta"},
                        {"machineID", ""},
                        {"systemUUID", ""},
                        {"bootID", ""}};
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", facts.name}, {"labels", node_labels(facts.name)}}},
          {"spec", Json::object()},
          {"status", status}};
}

}  // namespace fracta::devcluster
