#include "linux_net/instances.h"

#include <fmt/format.h>
#include <signal.h>

#include <memory>
#include <utility>

#include "linux_net/netns.h"

namespace minato::linux_net {
namespace {

constexpr std::string_view kInstances = "instances";

instance::Machine to_machine(const VpcNode& node) {
  return {.id = node.instance_id, .zone = node.zone, .private_ip = node.ip, .hostname = node.name};
}

}  // namespace

Instances::Instances(InstancesOptions options, Vpc& vpc, host::Cgroups& cgroups,
                     env::Executor& executor, env::Log& log)
    : options_(std::move(options)), vpc_(vpc), cgroups_(cgroups), executor_(executor), log_(log) {}

std::vector<instance::Machine> Instances::list() {
  std::vector<instance::Machine> machines;
  for (const VpcNode& node : vpc_.nodes()) machines.push_back(to_machine(node));
  return machines;
}

void Instances::boot(const instance::Spec& spec,
                     std::move_only_function<void(Result<instance::Machine>)> done) {
  Boot& boot = booting_[spec.id];
  boot.done.push_back(std::move(done));
  if (boot.done.size() > 1) return;  // Asked for twice: one machine, two answers.
  boot.spec = spec;
  boot.timer = executor_.after(options_.boot_delay, [this, id = spec.id] { finish_boot(id); });
}

void Instances::finish_boot(const std::string& id) {
  auto boot = booting_.extract(id);
  const Result<instance::Machine> machine = make(boot.mapped().spec);
  for (auto& done : boot.mapped().done) done(machine);
}

Result<instance::Machine> Instances::make(const instance::Spec& spec) {
  if (vpc_.zone_link(spec.zone) == LinkState::kDown) {
    return fail(Reason::kUnavailable,
                fmt::format("InsufficientInstanceCapacity: zone {} is not available", spec.zone));
  }
  RETURN_IF_ERROR(cgroups_.create(spec.id, {.cpu_milli = spec.vcpus * options_.cpu_scale_milli,
                                            .memory_bytes = spec.memory_bytes}));
  const auto node = vpc_.add_node(spec.id, spec.zone);
  if (!node) {
    (void)cgroups_.remove(spec.id);
    return wrap(fmt::format("booting {}", spec.id), node.error());
  }
  return to_machine(*node);
}

void Instances::terminate(const std::string& id, instance::Loss,
                          std::move_only_function<void(Status)> done) {
  const std::uint64_t number = next_reply_++;
  replies_[number] =
      executor_.after(Duration::zero(), [this, id, number, done = std::move(done)]() mutable {
        const auto reply = replies_.extract(number);
        if (auto boot = booting_.extract(id)) {
          for (auto& waiting : boot.mapped().done) {
            waiting(fail(Reason::kAborted,
                         fmt::format("instance {} was terminated while it booted", id)));
          }
        }
        done(destroy(id));
      });
}

Status Instances::destroy(const std::string& id) {
  const auto node = vpc_.find_instance(id);
  if (node) {
    RETURN_IF_ERROR(kill_processes(*node));
    if (options_.before_remove) options_.before_remove(node->name);
    RETURN_IF_ERROR(vpc_.remove_node(node->name));
  }
  return cgroups_.remove(id);
}

// Without control groups, what belongs to a machine is what is in one of its namespaces.
Status Instances::kill_processes(const VpcNode& node) {
  RETURN_IF_ERROR(cgroups_.kill(node.instance_id));
  if (cgroups_.mode() != host::Cgroups::Mode::kNone) return {};
  std::vector<std::string> namespaces = {node.netns_path};
  for (const PodAttachment& pod : vpc_.pods(node.name)) namespaces.push_back(pod.link.netns_path);
  for (const pid_t pid : processes_in(namespaces)) ::kill(pid, SIGKILL);
  return {};
}

Status Instances::fail_instance(const std::string& id) {
  RETURN_IF_ERROR(vpc_.find_instance(id));
  RETURN_IF_ERROR(destroy(id));
  log_.write(env::Level::kWarning, kInstances, fmt::format("instance {} failed", id));
  if (sink_) sink_(id);
  return {};
}

Status Instances::set_pause(const std::string& id, Pause pause) {
  RETURN_IF_ERROR(vpc_.find_instance(id));
  return cgroups_.freeze(id, pause == Pause::kFrozen);
}

}  // namespace minato::linux_net
