#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

#include "devcluster/node/container.hpp"
#include "devcluster/node/terminal.hpp"
#include "fracta/base/file.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

constexpr std::array<std::pair<std::string_view, int>, 41> kCapabilities = {{
    {"CHOWN", CAP_CHOWN},
    {"DAC_OVERRIDE", CAP_DAC_OVERRIDE},
    {"DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
    {"FOWNER", CAP_FOWNER},
    {"FSETID", CAP_FSETID},
    {"KILL", CAP_KILL},
    {"SETGID", CAP_SETGID},
    {"SETUID", CAP_SETUID},
    {"SETPCAP", CAP_SETPCAP},
    {"LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE},
    {"NET_BIND_SERVICE", CAP_NET_BIND_SERVICE},
    {"NET_BROADCAST", CAP_NET_BROADCAST},
    {"NET_ADMIN", CAP_NET_ADMIN},
    {"NET_RAW", CAP_NET_RAW},
    {"IPC_LOCK", CAP_IPC_LOCK},
    {"IPC_OWNER", CAP_IPC_OWNER},
    {"SYS_MODULE", CAP_SYS_MODULE},
    {"SYS_RAWIO", CAP_SYS_RAWIO},
    {"SYS_CHROOT", CAP_SYS_CHROOT},
    {"SYS_PTRACE", CAP_SYS_PTRACE},
    {"SYS_PACCT", CAP_SYS_PACCT},
    {"SYS_ADMIN", CAP_SYS_ADMIN},
    {"SYS_BOOT", CAP_SYS_BOOT},
    {"SYS_NICE", CAP_SYS_NICE},
    {"SYS_RESOURCE", CAP_SYS_RESOURCE},
    {"SYS_TIME", CAP_SYS_TIME},
    {"SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG},
    {"MKNOD", CAP_MKNOD},
    {"LEASE", CAP_LEASE},
    {"AUDIT_WRITE", CAP_AUDIT_WRITE},
    {"AUDIT_CONTROL", CAP_AUDIT_CONTROL},
    {"SETFCAP", CAP_SETFCAP},
    {"MAC_OVERRIDE", CAP_MAC_OVERRIDE},
    {"MAC_ADMIN", CAP_MAC_ADMIN},
    {"SYSLOG", CAP_SYSLOG},
    {"WAKE_ALARM", CAP_WAKE_ALARM},
    {"BLOCK_SUSPEND", CAP_BLOCK_SUSPEND},
    {"AUDIT_READ", CAP_AUDIT_READ},
    {"PERFMON", CAP_PERFMON},
    {"BPF", CAP_BPF},
    {"CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
}};
// containerd's and Docker's default set.
constexpr std::array<std::string_view, 14> kDefaultCapabilities = {
    "CHOWN",  "DAC_OVERRIDE", "FSETID",  "FOWNER",           "MKNOD",      "NET_RAW", "SETGID",
    "SETUID", "SETFCAP",      "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL",    "AUDIT_WRITE"};

std::uint64_t capability_bits(std::string_view name) {
  if (name == "ALL") return ~std::uint64_t{0};
  for (const auto& [known, number] : kCapabilities)
    if (known == name) return std::uint64_t{1} << number;
  return 0;
}

std::vector<std::string> strings_at(const Json& object, std::string_view path) {
  std::vector<std::string> result;
  if (const Json* list = find_path(object, path); list != nullptr && list->is_array())
    for (const auto& item : *list)
      if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

std::uint64_t capabilities_of(const Json& container) {
  if (bool_at(container, "securityContext/privileged")) return ~std::uint64_t{0};
  std::uint64_t bits = 0;
  for (const auto name : kDefaultCapabilities) bits |= capability_bits(name);
  for (const auto& name : strings_at(container, "securityContext/capabilities/drop")) bits &= ~capability_bits(name);
  for (const auto& name : strings_at(container, "securityContext/capabilities/add")) bits |= capability_bits(name);
  return bits;
}

// container.securityContext wins over pod.spec.securityContext.
std::optional<std::int64_t> security_int(const Json& pod, const Json& container, const std::string& key) {
  if (const auto own = int_at(container, "securityContext/" + key)) return own;
  return int_at(pod, "spec/securityContext/" + key);
}
bool security_bool(const Json& pod, const Json& container, const std::string& key) {
  const std::string path = "securityContext/" + key;
  return bool_at(container, path, bool_at(pod, "spec/" + path));
}

// A start in steps; the first that fails says why the container waits.
class Starter {
 public:
  Starter(const PodContext& context, const PodEnvironment& environment, const Image& image, Container& container)
      : context_(context), pod_(environment), image_(image), container_(container), spec_(container.spec) {}

  std::optional<StartProblem> start() {
    if (!context_.isolation.namespaces)
      return StartProblem{
          "CreateContainerError",
          "this machine allows no mount namespaces (run as root, or enable unprivileged user namespaces): " +
              context_.isolation.reason};
    for (const auto step :
         {&Starter::environment, &Starter::user, &Starter::command, &Starter::mounts, &Starter::streams})
      if (auto problem = (this->*step)()) return problem;
    return launch_it();
  }

 private:
  using Problem = std::optional<StartProblem>;
  static StartProblem config_error(std::string message) { return {"CreateContainerConfigError", std::move(message)}; }

  Problem environment() {
    auto made = make_environment(context_.api, {pod_.pod, &spec_, &context_.node, pod_.pod_ip,
                                                context_.options.api_host, context_.options.api_port});
    if (!made) return config_error(made.error().message);
    for (const auto& key : made->skipped)
      context_.api.record_event(*pod_.pod, "Warning", "InvalidEnvironmentVariableNames",
                                fmt::format("Keys [{}] from the EnvFrom source were skipped since they are considered "
                                            "invalid environment variable names.",
                                            key),
                                "kubelet");
    expanded_ = std::move(made->variables);
    return std::nullopt;
  }

  Problem user() {
    const auto uid = security_int(*pod_.pod, spec_, "runAsUser");
    const auto gid = security_int(*pod_.pod, spec_, "runAsGroup");
    auto found = find_user(image_, uid ? std::to_string(*uid) : image_.user);
    if (security_bool(*pod_.pod, spec_, "runAsNonRoot")) {
      const std::string where = fmt::format("(pod: \"{}\", container: {})", pod_label(*pod_.pod), container_.view.name);
      if (!uid && !image_.user.empty() && !parse_int(image_.user.substr(0, image_.user.find(':'))))
        return config_error(fmt::format(
            "container has runAsNonRoot and image has non-numeric user ({}), cannot verify user is non-root {}",
            image_.user, where));
      if (uid && *uid == 0) return config_error("container's runAsUser breaks non-root policy " + where);
      if (!uid && (!found || found->uid == 0))
        return config_error("container has runAsNonRoot and image will run as root " + where);
    }
    if (!found)
      return StartProblem{"CreateContainerError",
                          fmt::format("unable to find user {}: no matching entries in passwd file", image_.user)};
    user_ = *found;
    if (gid) user_.gid = static_cast<unsigned>(*gid);
    plan_.uid = user_.uid;
    plan_.gid = user_.gid;
    plan_.groups.assign(user_.groups.begin(), user_.groups.end());
    if (const auto group = int_at(*pod_.pod, "spec/securityContext/fsGroup"))
      plan_.groups.push_back(static_cast<gid_t>(*group));
    if (const Json* more = find_path(*pod_.pod, "spec/securityContext/supplementalGroups");
        more != nullptr && more->is_array())
      for (const auto& group : *more)
        if (group.is_number_integer()) plan_.groups.push_back(group.get<gid_t>());
    const Json* escalation = find_path(spec_, "securityContext/allowPrivilegeEscalation");
    plan_.no_new_privileges = escalation != nullptr && *escalation == false;
    plan_.capabilities = capabilities_of(spec_);
    plan_.user_namespace = context_.isolation.user_namespace;
    return std::nullopt;
  }

  Problem command() {
    const auto command = strings_at(spec_, "command"), args = strings_at(spec_, "args");
    plan_.argv.clear();
    for (const auto& word : command) plan_.argv.push_back(expand(word, expanded_));
    if (command.empty()) plan_.argv = image_.entrypoint;
    for (const auto& word : args) plan_.argv.push_back(expand(word, expanded_));
    if (command.empty() && args.empty()) plan_.argv.insert(plan_.argv.end(), image_.cmd.begin(), image_.cmd.end());
    if (plan_.argv.empty())
      return StartProblem{"CreateContainerError",
                          "failed to generate container spec: failed to generate spec: no command specified"};
    // Later ones win: defaults, the image's, the pod's.
    std::map<std::string, std::string> all{
        {"PATH", std::string(kDefaultPath)}, {"HOSTNAME", pod_.hostname}, {"HOME", user_.home}};
    for (const auto& entry : image_.environment)
      if (const auto equals = entry.find('='); equals != std::string::npos)
        all[entry.substr(0, equals)] = entry.substr(equals + 1);
    for (const auto& [name, value] : expanded_) all[name] = value;
    for (const auto& [name, value] : all) plan_.environment.push_back(name + "=" + value);
    plan_.working_directory = string_at(spec_, "workingDir", image_.working_directory);
    if (plan_.working_directory.empty()) plan_.working_directory = "/";
    plan_.candidates = program_candidates(plan_.argv.front(), plan_.environment);
    plan_.hostname = bool_at(*pod_.pod, "spec/hostNetwork") ? "" : pod_.hostname;
    return std::nullopt;
  }

  Problem mounts() {
    auto made = pod_.volumes->mounts(spec_, expanded_);
    if (!made) return config_error(made.error().message);
    mounts_ = std::move(*made);
    run_directory_ = fmt::format("{}/containers/{}", pod_.directory, container_.view.name);
    if (auto ok = make_directories(run_directory_, 0755); !ok)
      return StartProblem{"CreateContainerError", ok.error().message};
    run_.termination_file = fmt::format("{}/termination-{}", run_directory_, container_.view.restart_count);
    (void)UniqueFd(::open(run_.termination_file.c_str(), O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
    (void)::chmod(run_.termination_file.c_str(), 0666);
    add_file(run_.termination_file, string_at(spec_, "terminationMessagePath", "/dev/termination-log"), false);
    if (!bool_at(*pod_.pod, "spec/hostNetwork")) add_file(pod_.directory + "/etc-hosts", "/etc/hosts", false);
    add_file(pod_.directory + "/resolv.conf", "/etc/resolv.conf", false);
    // The project's images have their program on PATH; so does the host's root in their place.
    if (image_.is_host() && !image_.entrypoint.empty() && image_.entrypoint.front().front() == '/')
      add_file(image_.entrypoint.front(),
               "/usr/local/bin/" + std::filesystem::path(image_.entrypoint.front()).filename().string(), true);
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::int64_t> memory_limit() const {
    const Json* limit = find_path(spec_, "resources/limits/memory");
    if (limit == nullptr) return std::nullopt;
    const auto parsed = Quantity::parse(limit->is_string() ? limit->get<std::string>() : dump_json(*limit));
    if (!parsed || parsed->value() <= 0) return std::nullopt;
    return parsed->value();
  }

  void add_file(const std::string& host, const std::string& inside, bool read_only) {
    for (const auto& mount : mounts_)
      if (mount.container_path == inside) return;  // the pod brings its own
    mounts_.push_back({host, "", inside, false, read_only});
  }

  Problem streams() {
    const bool terminal = bool_at(spec_, "tty"), input = bool_at(spec_, "stdin");
    auto problem = terminal ? open_tty() : open_pipes(input);
    if (problem) return StartProblem{"CreateContainerError", *problem};
    for (const int fd : {run_.output.get(), run_.error.get()})
      if (fd >= 0) (void)::fcntl(fd, F_SETFL, O_NONBLOCK);
    UniqueFd feed;
    if (input) feed = terminal ? UniqueFd(::fcntl(run_.output.get(), F_DUPFD_CLOEXEC, 3)) : std::move(input_write_);
    run_.stdio = std::make_shared<ContainerStdio>(std::move(feed), terminal, bool_at(spec_, "stdinOnce"));
    run_.log = std::make_shared<ContainerLog>(fmt::format("{}/{}.log", run_directory_, container_.view.restart_count));
    return std::nullopt;
  }

  // What is wrong, if anything.
  std::optional<std::string> open_tty() {
    auto terminal = open_terminal(-1, user_.uid);
    if (!terminal) return terminal.error().message;
    plan_.terminal = true;
    plan_.standard_input = plan_.standard_output = plan_.standard_error = terminal->slave.get();
    plan_.environment.emplace_back("TERM=xterm");
    output_write_ = std::move(terminal->slave);
    run_.output = std::move(terminal->master);
    return std::nullopt;
  }

  std::optional<std::string> open_pipes(bool input) {
    std::array<int, 2> out{}, err{}, in{};
    for (auto [ends, reader, writer] :
         {std::tuple{&out, &run_.output, &output_write_}, std::tuple{&err, &run_.error, &error_write_},
          std::tuple{&in, &input_read_, &input_write_}}) {
      if (ends == &in && !input) continue;
      if (::pipe2(ends->data(), O_CLOEXEC) != 0) return fmt::format("pipe: {}", std::strerror(errno));
      reader->reset((*ends)[0]), writer->reset((*ends)[1]);
    }
    plan_.standard_input = input_read_.get();
    plan_.standard_output = output_write_.get();
    plan_.standard_error = error_write_.get();
    return std::nullopt;
  }

  Problem launch_it() {
    if (pod_.pod_ip != context_.node.host_ip) {
      plan_.sockets = &context_.sockets;
      plan_.address = pod_.pod_ip;
    }
    if (const auto limit = memory_limit()) {
      run_.memory = std::make_unique<MemoryLimit>(*limit);
      plan_.join_file = run_.memory->join_file();
    }
    run_.inside = plan_;  // before the steps: they are for the container only
    run_.inside.terminal = false;
    FileSystemRequest request;
    request.image = &image_;
    request.staging = context_.options.directory + "/staging";
    request.mounts = mounts_;
    request.working_directory = plan_.working_directory;
    request.read_only_root = bool_at(spec_, "securityContext/readOnlyRootFilesystem");
    request.overlay = context_.isolation.overlay;
    request.populate = !context_.isolation.overlay || context_.isolation.user_namespace;
    if (image_.is_host() && !image_.entrypoint.empty() && image_.entrypoint.front().front() == '/')
      request.visible_files.push_back(image_.entrypoint.front());
    plan_file_system(request, plan_);
    auto process = launch(plan_);
    container_.previous_log = container_.log;
    container_.log = run_.log;
    if (!process) {
      run_.log->close(context_.clock.system_now());
      // containerd's and runc's words around it.
      return StartProblem{"RunContainerError",
                          "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
                          "runc create failed: "
                          "unable to start container process: " +
                              process.error().message + ": unknown",
                          true};
    }
    run_.process = std::move(*process);
    run_.started = context_.clock.steady_now();
    if (const Json* ports = find(spec_, "ports"); ports != nullptr && ports->is_array())
      for (const auto& port : *ports)
        if (const auto number = int_at(port, "containerPort"))
          run_.ports[string_at(port, "name")] = static_cast<int>(*number);
    container_.run.emplace(std::move(run_));
    return std::nullopt;
  }

  const PodContext& context_;
  const PodEnvironment& pod_;
  const Image& image_;
  Container& container_;
  const Json& spec_;
  LaunchPlan plan_;
  RunningContainer run_;
  Variables expanded_;
  ImageUser user_;
  std::vector<ContainerMount> mounts_;
  std::string run_directory_;
  UniqueFd output_write_, error_write_, input_read_, input_write_;
};

}  // namespace

void ContainerBackoff::next(SteadyTime now) {
  constexpr std::chrono::seconds kInitial{10}, kMaximum{300};
  delay_ = delay_.count() == 0 || now - last_ > 2 * kMaximum ? kInitial : std::min(delay_ * 2, kMaximum);
  last_ = now;
}

std::optional<StartProblem> start_container(const PodContext& context, const PodEnvironment& environment,
                                            const Image& image, Container& container) {
  return Starter(context, environment, image, container).start();
}

}  // namespace fracta::devcluster
