#include "local/drill_verbs.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "blueprint/system.h"
#include "controllers/deployment/rollback.h"
#include "drill/drill.h"
#include "drill/observation_json.h"
#include "drill/observer.h"
#include "drill/scale_out.h"
#include "kube/names.h"
#include "local/rollout_watch.h"

namespace minato::local {
namespace json = boost::json;
namespace {

using ExchangePtr = std::shared_ptr<control::Exchange>;
using drill::Verb;

void begun(const ExchangePtr& exchange) { exchange->send(json::object{{"begun", true}}); }

void finish(const ExchangePtr& exchange, const Status& status) {
  if (status) begun(exchange);
  exchange->finish(status);
}

void observe(host::Loop& loop, LocalWorld& world, const ExchangePtr& exchange) {
  struct Watching {
    std::unique_ptr<drill::Observer> observer;
    env::TimerHandle whole;
  };
  auto watch = std::make_shared<Watching>();
  const std::weak_ptr<control::Exchange> to = exchange;
  watch->observer = std::make_unique<drill::Observer>(
      world.env_for("observer"), world.cluster(), drill::Observer::Options{.service = world.spec().service},
      [to](const drill::Observation& seen) {
        if (const auto open = to.lock()) open->send(drill::to_json(seen));
      });
  // After the first look, which was asked for before.
  watch->whole = loop.after(1ms, [to] {
    if (const auto open = to.lock()) open->send(json::object{{"whole", true}});
  });
  exchange->on_close([watch, keep = exchange]() mutable {
    watch->whole.cancel();
    watch->observer.reset();
    keep.reset();
  });
}

// A Pod by the name that observations give it: of the service, or "namespace/name".
Result<std::shared_ptr<const kube::Pod>> find_pod(LocalWorld& world, const std::string& name) {
  const std::size_t slash = name.find('/');
  const kube::ObjectKey key = slash == std::string::npos ? kube::ObjectKey{world.spec().service, name}
                                                         : kube::ObjectKey{name.substr(0, slash), name.substr(slash + 1)};
  auto pod = world.cluster().informers().of<kube::Pod>().get(key);
  if (!pod) return fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", name));
  return pod;
}

Status kill_process(LocalWorld& world, const kube::Pod& pod) {
  kubelet::Kubelet* kubelet = world.cluster().kubelet_of(pod.spec.node_name);
  container::Runtime* runtime = world.cluster().runtime_of(pod.spec.node_name);
  const auto ref = kubelet != nullptr ? kubelet->container_ref(pod.key(), pod.spec.containers.at(0).name) : std::nullopt;
  if (!ref || runtime == nullptr) {
    return fail(Reason::kNotFound, fmt::format("the container of {} is not running", pod.metadata.name));
  }
  runtime->stop_container(*ref, 0s, [](const Status&) {});
  return {};
}

// What only the program can do to itself; the example has a path for each.
void ask_program(LocalWorld& world, const std::string& name, const std::string& path, const ExchangePtr& exchange) {
  const auto pod = find_pod(world, name);
  if (!pod) return exchange->finish(std::unexpected(pod.error()));
  container::Runtime* runtime = world.cluster().runtime_of((*pod)->spec.node_name);
  if (runtime == nullptr) return exchange->finish(fail(Reason::kNotFound, "its Node is gone"));
  container::HttpRequest request;
  request.host = (*pod)->status.pod_ip;
  request.port = world.spec().port;
  request.path = path;
  runtime->http_get(std::move(request), 5s, [exchange, path](const Result<container::HttpResponse>& answer) {
    if (!answer) return exchange->finish(std::unexpected(answer.error()));
    if (answer->status == 200) return finish(exchange, {});
    exchange->finish(fail(Reason::kInvalid, fmt::format("the program answers {} to {}: this drill needs a service that has it, "
                                                        "as examples/hello does", answer->status, path)));
  });
}

Status kill_role(LocalWorld& world, const std::string& role) {
  Status out = fail(Reason::kNotFound, fmt::format("no Pod of the role '{}' runs", role));
  for (const auto& pod : world.cluster().informers().of<kube::Pod>().in_namespace(std::string(kube::kNamespaceSystem))) {
    const auto label = pod->metadata.labels.find(std::string(blueprint::kLabelRole));
    if (label == pod->metadata.labels.end() || label->second != role) continue;
    if (kill_process(world, *pod)) out = {};
  }
  return out;
}

// A change of the Pod template, past the file: what deploys refuse because it cannot work.
json::object bad_template(const LocalWorld& world, Verb verb) {
  json::object container{{"name", world.spec().service}};
  if (verb == Verb::kBadImage) {
    container["image"] = "oci:/nonexistent/minato-drill:none";
  } else {
    for (const char* probe : {"startupProbe", "readinessProbe", "livenessProbe"}) {
      container[probe] = json::object{{"httpGet", {{"path", "/minato-drill-never-ready"}, {"port", "http"}}}};
    }
  }
  return {{"spec", {{"template", {{"spec", {{"containers", json::array{std::move(container)}}}}}}}}};
}

void bad_release(host::Loop& loop, LocalWorld& world, Verb verb, const ExchangePtr& exchange) {
  const kube::ObjectKey key{world.spec().service, world.spec().service};
  const auto patched = world.cluster().client().patch(kube::Deployment::static_kind(), key,
                                                      kube::PatchType::kStrategicMerge,
                                                      json::serialize(bad_template(world, verb)), kube::Subresource::kNone);
  if (!patched) return exchange->finish(std::unexpected(patched.error()));
  begun(exchange);
  watch_rollout(loop, world.cluster(), key, OnFailure::kRollBack, exchange);
}

Status rotate_secret(LocalWorld& world) {
  WorldConfig changed = world.config();
  if (changed.secrets.empty()) return fail(Reason::kInvalid, "the file names no secret");
  std::string& value = changed.secrets.begin()->second;
  // Of the same length and kind; back and forth, so that the second rotation restores it.
  constexpr std::string_view kMark = "~";
  value = value.ends_with(kMark) ? value.substr(0, value.size() - kMark.size()) : value + std::string(kMark);
  return world.deploy(std::move(changed));
}

Status drain(LocalWorld& world, const std::string& node) {
  removal::Request wanted;
  wanted.node = node;
  wanted.cause = removal::Cause::kDrain;
  wanted.after = removal::After::kKeep;
  wanted.message = "a drill";
  return world.cluster().remover().begin(wanted);
}

Status kill_node(LocalWorld& world, const std::string& node) {
  for (const cloud::Instance& instance : world.cluster().cloud().describe_auto_scaling_instances()) {
    if (instance.hostname == node) return world.cluster().cloud().kill_instance(instance.id);
  }
  return fail(Reason::kNotFound, fmt::format("no instance is behind Node {}", node));
}

Status act_on_pod(LocalWorld& world, Verb verb, const std::string& name) {
  ASSIGN_OR_RETURN(const auto pod, find_pod(world, name));
  switch (verb) {
    case Verb::kKillProcess: return kill_process(world, *pod);
    case Verb::kDeletePod: return world.cluster().client().remove(kube::Pod::static_kind(), pod->key());
    default: return fail(Reason::kBadRequest, fmt::format("'{}' cannot be done here", drill::to_string(verb)));
  }
}

Status act(LocalWorld& world, Verb verb, const std::string& target) {
  cloudmodel::Cloud& cloud = world.cluster().cloud();
  switch (verb) {
    case Verb::kRollBack: {
      const auto back = controllers::rollback(world.cluster().client(), {world.spec().service, world.spec().service}, 0);
      return back ? Status() : Status(std::unexpected(back.error()));
    }
    case Verb::kDrainNode: return drain(world, target);
    case Verb::kUndrainNode: return world.cluster().remover().cancel(target);
    case Verb::kKillNode: return kill_node(world, target);
    case Verb::kInterrupt: return cloud.interrupt(target, {});
    case Verb::kFailZone: cloud.fail_zone(target); return {};
    case Verb::kRestoreZone: cloud.restore_zone(target); return {};
    case Verb::kKillRole: return kill_role(world, target);
    case Verb::kRenewCertificate: return world.renew_certificate();
    case Verb::kRotateSecret: return rotate_secret(world);
    case Verb::kCutRegistry:
      world.registry_outage().begin(bounds::registry_fault(world.cluster().options().profile));
      return {};
    case Verb::kRestoreRegistry: world.registry_outage().end(); return {};
    case Verb::kScaleOut: return drill::scale_out(world.cluster(), world.spec().service);
    case Verb::kScaleIn: return world.deploy(world.config());
    default: return act_on_pod(world, verb, target);
  }
}

}  // namespace

void add_drill_verbs(control::Server& server, host::Loop& loop, LocalWorld& world) {
  server.handle("observe", [&](const control::Request&, const ExchangePtr& exchange) { observe(loop, world, exchange); });
  server.handle("drill-act", [&](const control::Request& request, const ExchangePtr& exchange) {
    const auto verb = drill::verb_named(request.text("verb"));
    if (!verb) return exchange->finish(std::unexpected(verb.error()));
    if (*verb == Verb::kBadImage || *verb == Verb::kNeverReady) return bad_release(loop, world, *verb, exchange);
    if (*verb == Verb::kExhaustMemory) return ask_program(world, request.text("target"), "/leak", exchange);
    if (*verb == Verb::kFailReadiness) {
      const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(drill::kReadinessFault).count();
      return ask_program(world, request.text("target"), fmt::format("/unready?ms={}", milliseconds), exchange);
    }
    const Status status = act(world, *verb, request.text("target"));
    world.cluster().cloud().flush();
    finish(exchange, status);
  });
}

}  // namespace minato::local
