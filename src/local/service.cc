#include "local/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/deployment/rollback.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "local/cloud_verbs.h"
#include "local/drain_verb.h"
#include "local/drill_verbs.h"
#include "local/log_verb.h"
#include "local/rollout_watch.h"

namespace minato::local {
namespace json = boost::json;

Service::Service(host::Loop& loop, LocalWorld& world, control::Server& server)
    : loop_(loop), world_(world) {
  server.handle("status", [this](const auto&, auto exchange) { status(exchange); });
  server.handle("events", [this](const auto& request, auto exchange) { events(request, exchange); });
  server.handle("deploy", [this](const auto& request, auto exchange) { deploy(request, exchange); });
  server.handle("rollback", [this](const auto& request, auto exchange) { rollback(request, exchange); });
  server.handle("kill-instance", [this](const auto& request, auto exchange) { kill_instance(request, exchange); });
  server.handle("kill-container", [this](const auto& request, auto exchange) { kill_container(request, exchange); });
  add_cloud_verbs(server, loop_, world_.cluster());
  add_drain_verbs(server, loop_, world_.cluster());
  add_drill_verbs(server, loop_, world_);
  server.handle("logs", [this](const auto& request, auto exchange) {
    stream_logs(loop_, world_.cluster(), world_.spec().service, request, exchange);
  });
  world_.cluster().informers().of<kube::Event>().on_change([this](const informer::Delta<kube::Event>& delta) {
    if (!delta.after || event_followers_.empty()) return;
    const json::value row = cluster::view_event(*delta.after);
    for (const ExchangePtr& follower : event_followers_) follower->send(row);
  });
}

void Service::status(const ExchangePtr& exchange) {
  json::value out = cluster::view(world_.cluster(),
                                  {.namespace_ = world_.spec().service,
                                   .service = world_.spec().service,
                                   .url = world_.config().url()},
                                  loop_.wall());
  out.as_object()["world"] = json::object{{"name", world_.config().name},
                                          {"stateDir", world_.config().state_dir},
                                          {"cgroups", world_.cgroup_note()},
                                          {"cpuScalePercent", world_.spec().local.cpu_scale_percent}};
  exchange->send(out);
  exchange->finish({});
}

void Service::events(const control::Request& request, const ExchangePtr& exchange) {
  std::vector<std::shared_ptr<const kube::Event>> all;
  for (const auto& [key, event] : world_.cluster().informers().of<kube::Event>().all()) all.push_back(event);
  std::ranges::stable_sort(all, {}, [](const auto& event) { return event->last_timestamp.time_since_epoch(); });
  for (const auto& event : all) exchange->send(cluster::view_event(*event));
  if (!request.flag("follow")) return exchange->finish({});
  event_followers_.insert(exchange);
  exchange->on_close([this, weak = std::weak_ptr(exchange)] {
    if (const auto gone = weak.lock()) event_followers_.erase(gone);
  });
}

Result<WorldConfig> Service::changed_config(const control::Request& request) const {
  WorldConfig out = world_.config();
  const json::value* sources = request.arguments.if_contains("sources");
  if (sources != nullptr && sources->is_array() && !sources->get_array().empty()) {
    out.sources.clear();
    // A new file says which image it wants; what an earlier deploy chose no longer counts.
    out.image.clear();
    for (const json::value& source : sources->get_array()) {
      if (!source.is_object()) return fail(Reason::kBadRequest, "a source is an object");
      const control::Request fields{"", source.get_object()};
      out.sources.push_back({fields.text("name"), fields.text("text")});
      out.directory = fields.text("directory");
    }
  }
  if (const std::string image = request.text("image"); !image.empty()) out.image = image;
  if (const json::value* secrets = request.arguments.if_contains("secrets"); secrets && secrets->is_object()) {
    out.secrets.clear();
    for (const auto& [name, value] : secrets->get_object()) {
      if (value.is_string()) out.secrets.emplace(std::string(name), std::string(value.get_string()));
    }
  }
  return out;
}

void Service::deploy(const control::Request& request, const ExchangePtr& exchange) {
  const auto changed = changed_config(request);
  if (!changed) return exchange->finish(std::unexpected(changed.error()));
  world_.fetch_image(*changed, [this, request, exchange](const Status& fetched) {
    if (!fetched) return exchange->finish(fetched);
    roll_out(request, exchange);
  });
}

// The configuration is made anew: another deploy may have ended while the image was fetched.
void Service::roll_out(const control::Request& request, const ExchangePtr& exchange) {
  const WorldConfig before = world_.config();
  auto changed = changed_config(request);
  const Status status = changed ? world_.deploy(std::move(*changed)) : Status(std::unexpected(changed.error()));
  if (!status || !request.flag("wait")) return exchange->finish(status);
  const std::string& service = world_.spec().service;
  watch_rollout(loop_, world_.cluster(), {service, service},
                request.flag("rollback") ? OnFailure::kRollBack : OnFailure::kLeave, exchange,
                [this, before] {
                  // The next start must not bring back what has just failed.
                  if (const Status kept = world_.keep(before); !kept) world_.warn(kept.error().message);
                });
}

void Service::rollback(const control::Request& request, const ExchangePtr& exchange) {
  const std::string& service = world_.spec().service;
  const kube::ObjectKey key{service, service};
  const auto back = controllers::rollback(world_.cluster().client(), key, request.integer("revision", 0));
  if (!back) return exchange->finish(std::unexpected(back.error()));
  // The file in force is the one whose image runs: the next start must not undo the rollback.
  const auto deployment = kube::get<kube::Deployment>(world_.cluster().client(), key);
  if (deployment) {
    WorldConfig config = world_.config();
    config.image = (*deployment)->spec.template_.spec.containers.at(0).image;
    if (const Status kept = world_.keep(std::move(config)); !kept) return exchange->finish(kept);
  }
  exchange->send(json::object{{"message", back->changed
                                              ? fmt::format("rolling back to revision {}", back->revision)
                                              : fmt::format("revision {} runs already", back->revision)}});
  if (!request.flag("wait")) return exchange->finish({});
  watch_rollout(loop_, world_.cluster(), key, OnFailure::kLeave, exchange);
}

void Service::kill_instance(const control::Request& request, const ExchangePtr& exchange) {
  exchange->finish(world_.cluster().cloud().kill_instance(request.text("id")));
}

void Service::kill_container(const control::Request& request, const ExchangePtr& exchange) {
  const auto pod = world_.cluster().informers().of<kube::Pod>().get({world_.spec().service, request.text("pod")});
  if (!pod) return exchange->finish(fail(Reason::kNotFound, fmt::format("pods \"{}\" not found", request.text("pod"))));
  kubelet::Kubelet* kubelet = world_.cluster().kubelet_of(pod->spec.node_name);
  container::Runtime* runtime = world_.cluster().runtime_of(pod->spec.node_name);
  const auto ref = kubelet != nullptr ? kubelet->container_ref(pod->key(), pod->spec.containers.at(0).name) : std::nullopt;
  if (!ref || runtime == nullptr) return exchange->finish(fail(Reason::kNotFound, "its container is not running"));
  runtime->stop_container(*ref, 0s, [exchange](Status status) { exchange->finish(status); });
}

}  // namespace minato::local
