#include "linux_container/runtime.h"

#include <fmt/format.h>

#include "host/files.h"
#include "linux_container/runtime_pod.h"

namespace minato::linux_container {
namespace json = boost::json;
namespace {

container::Done<json::object> status_of(container::DoneStatus done) {
  return [done = std::move(done)](Result<json::object> answer) mutable {
    done(answer ? Status{} : Status(std::unexpected(std::move(answer).error())));
  };
}

}  // namespace

std::string describe(const container::ContainerRef& ref) {
  return fmt::format("container {} of Pod {}", container_key(ref.name, ref.attempt), ref.pod_uid);
}

Error not_found(const container::ContainerRef& ref) {
  return {Reason::kNotFound, describe(ref) + " does not exist"};
}

LinuxRuntime::LinuxRuntime(host::Loop& loop, env::Log& log, Images& images, host::Cgroups& cgroups,
                           linux_net::PodNetwork& network, Options options)
    : loop_(loop),
      log_(log),
      images_(images),
      cgroups_(cgroups),
      network_(network),
      options_(std::move(options)),
      limits_(host_limits()),
      pull_limiter_(options_.parallel_pulls),
      start_limiter_(options_.parallel_starts),
      volumes_(std::make_shared<VolumeFiles>()),
      alive_(std::make_shared<bool>(true)) {
  adopt_all();
}

LinuxRuntime::~LinuxRuntime() = default;

void LinuxRuntime::later(std::move_only_function<void()> task) {
  loop_.post([alive = std::weak_ptr(alive_), task = std::move(task)]() mutable {
    if (alive.lock()) task();
  });
}

PodPaths LinuxRuntime::paths_of(const std::string& pod_uid) const {
  return {options_.run_dir + "/pods/" + pod_uid, options_.state_dir + "/pods/" + pod_uid};
}

std::string LinuxRuntime::pod_cgroup(const std::string& pod_uid) const {
  return fmt::format("{}/pod-{}", options_.cgroup, pod_uid);
}

std::string LinuxRuntime::container_cgroup(const std::string& pod_uid,
                                           const std::string& key) const {
  return fmt::format("{}/{}", pod_cgroup(pod_uid), key);
}

LinuxRuntime::SharedPod LinuxRuntime::find_pod(const std::string& pod_uid) const {
  const auto it = pods_.find(pod_uid);
  return it == pods_.end() ? nullptr : it->second;
}

void LinuxRuntime::set_sink(Sink sink) { sink_ = std::move(sink); }

void LinuxRuntime::list(container::Done<Inventory> done) {
  later([this, done = std::move(done)]() mutable {
    Inventory inventory;
    for (const auto& [uid, pod] : pods_) {
      if (pod->phase == Pod::Phase::kStarting) continue;
      inventory.sandboxes.push_back(pod->sandbox);
      inventory.sandboxes.back().is_ready = pod->link != nullptr;
      for (const auto& [key, container] : pod->containers)
        inventory.containers.push_back(container);
    }
    done(std::move(inventory));
  });
}

Status LinuxRuntime::may_pull(const std::string& reference, container::PullPolicy policy) const {
  const bool is_here = images_here_.contains(reference) && policy == container::PullPolicy::kIfNotPresent;
  if (is_here || policy == container::PullPolicy::kNever || !options_.reach_registry) return {};
  return options_.reach_registry(reference);
}

void LinuxRuntime::pull_image(const std::string& reference, container::PullPolicy policy,
                              container::Done<container::Image> done) {
  if (const Status reached = may_pull(reference, policy); !reached) {
    return fail_later(std::move(done), reached.error());
  }
  const std::pair pull(reference, policy);
  auto& waiting = pulls_[pull];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  pull_limiter_.run([this, pull](Limiter::Slot slot) {
    loop_.run_blocking([images = &images_, pull] { return images->pull(pull.first, pull.second); },
                       guarded([this, pull, slot = std::move(slot)](Result<StoredImage> result) {
                         if (result) images_here_.insert(pull.first);
                         auto node = pulls_.extract(pull);
                         for (auto& waiter : node.mapped()) {
                           waiter(result ? Result<container::Image>(result->image)
                                         : std::unexpected(result.error()));
                         }
                       }));
  });
}

void LinuxRuntime::start_container(const std::string& pod_uid, container::ContainerConfig config,
                                   container::Done<container::Container> done) {
  const SharedPod pod = find_pod(pod_uid);
  if (!pod || pod->phase != Pod::Phase::kReady || !pod->link) {
    return fail_later(std::move(done),
                      {Reason::kNotFound, fmt::format("Pod {} has no running sandbox", pod_uid)});
  }
  const std::string key = container_key(config.name, config.attempt);
  if (pod->containers.contains(key) || pod->starting.contains(key)) {
    return fail_later(std::move(done),
                      {Reason::kAlreadyExists, fmt::format("container {} has been started", key)});
  }
  pod->starting[key].done = std::move(done);
  const std::string logs =
      pod_log_dir(options_.logs_dir, pod->sandbox.pod_namespace, pod->sandbox.pod_name, pod_uid);
  ContainerInput input{.paths = pod->paths,
                       .pod_uid = pod_uid,
                       .hostname = pod->shim_config.hostname,
                       .log_file = log_file(logs, config.name, config.attempt),
                       .config = std::move(config),
                       .limits = limits_,
                       .volumes = volumes_,
                       .version = volumes_->next_version()};
  start_limiter_.run([this, pod, key, input = std::move(input)](Limiter::Slot slot) mutable {
    loop_.run_blocking([images = &images_, input] { return prepare_container(*images, input); },
                       guarded([this, pod, key, resources = input.config.resources,
                                slot = std::make_shared<Limiter::Slot>(std::move(slot))](
                                   Result<StartRequest> request) mutable {
                         if (request) {
                           send_start(pod, key, resources, std::move(request).value(),
                                      std::move(slot));
                         } else {
                           finish_start(pod, key, std::unexpected(request.error()));
                         }
                       }));
  });
}

void LinuxRuntime::send_start(const SharedPod& pod, const std::string& key,
                              const container::Resources& resources, StartRequest request,
                              std::shared_ptr<Limiter::Slot> slot) {
  if (!pod->link || pod->phase != Pod::Phase::kReady) {
    return finish_start(pod, key, fail(Reason::kAborted, "the Pod's sandbox has ended"));
  }
  const std::string group = container_cgroup(pod->sandbox.pod_uid, key);
  const Status grouped = cgroups_.create(group, {.cpu_milli = resources.cpu_limit_milli,
                                                 .cpu_weight_milli = resources.cpu_request_milli,
                                                 .memory_bytes = resources.memory_limit_bytes});
  if (!grouped) return finish_start(pod, key, std::unexpected(grouped.error()));
  request.cgroup_join_files = cgroups_.join_files(group);
  json::object message = to_json(request);
  message["op"] = "start";
  pod->link->call(std::move(message), options_.start_timeout,
                  [this, pod, key, slot](const Result<json::object>& answer) {
                    if (!answer) return finish_start(pod, key, std::unexpected(answer.error()));
                    const json::value* container = answer->if_contains("container");
                    finish_start(pod, key,
                                 container && container->is_object()
                                     ? container_from_json(container->get_object())
                                     : fail(Reason::kInternalError, "malformed answer of a shim"));
                  });
}

void LinuxRuntime::finish_start(const SharedPod& pod, const std::string& key,
                                Result<container::Container> result) {
  auto node = pod->starting.extract(key);
  // A container that could not run is kept with its status; else nothing of it may stay.
  if (!result && !pod->containers.contains(key)) {
    (void)cgroups_.remove(container_cgroup(pod->sandbox.pod_uid, key));
    loop_.run_blocking([dir = pod->paths.container_dir(key)] { return host::remove_tree(dir); },
                       [](const Status&) {});
  }
  if (result && node.mapped().stop_grace) {
    stop_container({pod->sandbox.pod_uid, result->name, result->attempt}, *node.mapped().stop_grace,
                   [](const Status&) {});
  }
  node.mapped().done(std::move(result));
  if (pod->phase == Pod::Phase::kRemoving && !pod->link) finish_removal(pod);
}

void LinuxRuntime::update_files(const std::string& pod_uid, container::Mount volume,
                                container::DoneStatus done) {
  const SharedPod pod = find_pod(pod_uid);
  if (!pod || pod->phase != Pod::Phase::kReady) {
    return fail_later(std::move(done),
                      {Reason::kNotFound, fmt::format("Pod {} has no running sandbox", pod_uid)});
  }
  if (const Status valid = check_path_component("volume name", volume.name); !valid) {
    return fail_later(std::move(done), valid.error());
  }
  ++pod->updates;
  const std::string dir = pod->paths.memory_volume(volume.name);
  loop_.run_blocking(
      [volumes = volumes_, dir, volume = std::move(volume), version = volumes_->next_version()] {
        return volumes->show(dir, volume, version);
      },
      guarded([this, pod, done = std::move(done)](Status shown) mutable {
        --pod->updates;
        done(std::move(shown));
        if (pod->phase == Pod::Phase::kRemoving && !pod->link) finish_removal(pod);
      }));
}

void LinuxRuntime::update(Pod& pod, container::Container container) {
  const std::string key = container_key(container.name, container.attempt);
  const auto it = pod.containers.find(key);
  // Files and events overlap after a connection; states go forward only.
  if (it != pod.containers.end() && it->second.state > container.state) return;
  if (container.state == container::ContainerState::kExited && container.exit_code != 0 &&
      container.reason != "ContainerCannotRun") {
    const auto usage = cgroups_.usage(container_cgroup(container.pod_uid, key));
    container.oom_killed = usage && usage->oom_kills > 0;
    if (container.oom_killed) container.reason = "OOMKilled";
  }
  const bool changed = it == pod.containers.end() || it->second.state != container.state;
  pod.containers[key] = container;
  if (changed && sink_) sink_(container);
}

LinuxRuntime::Lookup LinuxRuntime::find_container(const container::ContainerRef& ref) const {
  const SharedPod pod = find_pod(ref.pod_uid);
  if (!pod) return {};
  const auto it = pod->containers.find(container_key(ref.name, ref.attempt));
  return {pod, it == pod->containers.end() ? nullptr : &it->second};
}

void LinuxRuntime::stop_container(const container::ContainerRef& ref, Duration grace,
                                  container::DoneStatus done) {
  const auto [pod, container] = find_container(ref);
  const std::string key = container_key(ref.name, ref.attempt);
  if (pod && pod->starting.contains(key)) {
    pod->starting[key].stop_grace = grace;
    return later([done = std::move(done)]() mutable { done({}); });
  }
  if (container == nullptr) return fail_later(std::move(done), not_found(ref));
  if (container->state == container::ContainerState::kExited || !pod->link) {
    return later([done = std::move(done)]() mutable { done({}); });
  }
  pod->link->call({{"op", "stop"}, {"key", key}, {"signal", 0}, {"grace", grace.count()}},
                  options_.call_timeout, status_of(std::move(done)));
}

void LinuxRuntime::remove_container(const container::ContainerRef& ref,
                                    container::DoneStatus done) {
  const auto [pod, container] = find_container(ref);
  const std::string key = container_key(ref.name, ref.attempt);
  if (container == nullptr) {
    return later([done = std::move(done)]() mutable { done({}); });
  }
  if (container->state != container::ContainerState::kExited) {
    return fail_later(std::move(done),
                      {Reason::kConflict, describe(ref) + " is running; stop it first"});
  }
  auto finish = [this, pod, key, done = std::move(done)](Status status) mutable {
    if (!status) return done(std::move(status));
    remove_remains(pod, key, std::move(done));
  };
  if (!pod->link) {
    return later([finish = std::move(finish)]() mutable { finish({}); });
  }
  pod->link->call({{"op", "remove"}, {"key", key}}, options_.call_timeout,
                  status_of(std::move(finish)));
}

void LinuxRuntime::remove_remains(const SharedPod& pod, const std::string& key,
                                  container::DoneStatus done) {
  pod->containers.erase(key);
  Status status = cgroups_.remove(container_cgroup(pod->sandbox.pod_uid, key));
  loop_.run_blocking(
      [dir = pod->paths.container_dir(key), layer = pod->paths.writable_layer(key)]() -> Status {
        RETURN_IF_ERROR(host::remove_tree(layer));
        return host::remove_tree(dir);
      },
      guarded([status = std::move(status), done = std::move(done)](Status removed) mutable {
        done(removed ? std::move(status) : std::move(removed));
      }));
}

}  // namespace minato::linux_container
