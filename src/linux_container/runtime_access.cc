// LinuxRuntime: ways into running containers and what they use.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>

#include "linux_container/log_reader.h"
#include "linux_container/probe.h"
#include "linux_container/runtime.h"
#include "linux_container/runtime_pod.h"
#include "linux_container/sessions.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

// The shim ends a command itself; this is for its answer.
constexpr Duration kExecAnswerMargin = 5s;

}  // namespace

Result<LinuxRuntime::Lookup> LinuxRuntime::find_running(const container::ContainerRef& ref) const {
  Lookup found = find_container(ref);
  if (found.container == nullptr) return std::unexpected(not_found(ref));
  if (found.container->state != container::ContainerState::kRunning || !found.pod->link) {
    return fail(Reason::kNotFound, describe(ref) + " is not running");
  }
  return found;
}

void LinuxRuntime::exec(const container::ContainerRef& ref, std::vector<std::string> command,
                        Duration timeout, container::Done<container::ExecResult> done) {
  const auto running = find_running(ref);
  if (!running) return fail_later(std::move(done), running.error());
  json::array args;
  for (const std::string& arg : command) args.emplace_back(arg);
  running->pod->link->call({{"op", "exec"},
                            {"key", container_key(ref.name, ref.attempt)},
                            {"command", std::move(args)},
                            {"timeout", timeout.count()}},
                           timeout + kExecAnswerMargin,
                           [done = std::move(done)](const Result<json::object>& answer) mutable {
                             if (!answer) return done(std::unexpected(answer.error()));
                             done(exec_result_from_json(*answer));
                           });
}

Result<std::unique_ptr<container::Streams>> LinuxRuntime::open_command(
    const container::ContainerRef& ref, container::CommandOptions options,
    container::Streams::Events events) {
  ASSIGN_OR_RETURN(const Lookup running, find_running(ref));
  return open_session(session_in(running, ref), std::move(options), std::move(events));
}

Result<std::unique_ptr<container::Streams>> LinuxRuntime::open_attach(
    const container::ContainerRef& ref, container::AttachOptions options,
    container::Streams::Events events) {
  ASSIGN_OR_RETURN(const Lookup running, find_running(ref));
  return linux_container::open_attach(session_in(running, ref), options, std::move(events));
}

SessionPlace LinuxRuntime::session_in(const Lookup& running, const container::ContainerRef& ref) {
  return {loop_, running.pod->link, running.pod->paths.run,
          fmt::format("session-{}-{}.sock", ::getpid(), next_session_++),
          container_key(ref.name, ref.attempt)};
}

Result<std::unique_ptr<container::Streams>> LinuxRuntime::open_port(
    const std::string& pod_uid, std::uint16_t port, container::Streams::Events events) {
  const SharedPod pod = find_pod(pod_uid);
  if (!pod) return fail(Reason::kNotFound, "the Pod does not run on this node");
  return connect_port(loop_, pod->shim_config.netns_path, port, std::move(events));
}

Result<std::string> LinuxRuntime::node_netns() const {
  ASSIGN_OR_RETURN(const linux_net::PodLink link, network_.node_link(options_.node));
  return link.netns_path;
}

void LinuxRuntime::http_get(container::HttpRequest request, Duration timeout,
                            container::Done<container::HttpResponse> done) {
  const auto netns = node_netns();
  if (!netns) return fail_later(std::move(done), netns.error());
  probe_http({loop_, *netns, alive_}, std::move(request), timeout, std::move(done));
}

void LinuxRuntime::tcp_connect(const std::string& host, std::uint16_t port, Duration timeout,
                               container::DoneStatus done) {
  const auto netns = node_netns();
  if (!netns) return fail_later(std::move(done), netns.error());
  probe_tcp({loop_, *netns, alive_}, host, port, timeout, std::move(done));
}

void LinuxRuntime::check_health(container::HealthCheck request, Duration timeout,
                                container::Done<container::HealthAnswer> done) {
  const auto netns = node_netns();
  if (!netns) return fail_later(std::move(done), netns.error());
  probe_health({loop_, *netns, alive_}, request, timeout, std::move(done));
}

void LinuxRuntime::stats(container::Done<container::NodeStats> done) {
  later([this, done = std::move(done)]() mutable {
    container::NodeStats stats{.at = loop_.wall()};
    if (const auto usage = cgroups_.usage(options_.cgroup)) {
      stats.cpu_usage_ns = usage->cpu_ns;
      stats.memory_working_set_bytes = usage->memory_working_set_bytes;
    }
    for (const auto& [uid, pod] : pods_) {
      for (const auto& [key, container] : pod->containers) {
        if (container.state != container::ContainerState::kRunning) continue;
        const auto usage = cgroups_.usage(container_cgroup(uid, key));
        if (!usage) continue;
        stats.containers.push_back({{uid, container.name, container.attempt},
                                    usage->cpu_ns,
                                    usage->memory_working_set_bytes,
                                    usage->memory_bytes});
      }
    }
    done(std::move(stats));
  });
}

std::unique_ptr<container::Runtime::LogStream> LinuxRuntime::read_log(
    const container::ContainerRef& ref, container::LogOptions options,
    std::function<void(std::string_view)> chunk, container::DoneStatus done) {
  const auto [pod, container] = find_container(ref);
  // Logs outlive their Pod, whose namespace and name nobody remembers then: the UID is enough.
  std::string dir = pod ? pod_log_dir(options_.logs_dir, pod->sandbox.pod_namespace,
                                      pod->sandbox.pod_name, ref.pod_uid)
                        : find_pod_log_dir(options_.logs_dir, ref.pod_uid);
  auto is_complete = [this, ref] {
    const Lookup found = find_container(ref);
    return found.container == nullptr ||
           found.container->state == container::ContainerState::kExited;
  };
  return linux_container::read_log(
      loop_, {log_file(dir, ref.name, ref.attempt), std::move(is_complete), alive_}, options,
      std::move(chunk), std::move(done));
}

}  // namespace minato::linux_container
