#include "proxy/proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "informer/controller.h"

namespace minato::proxy {
namespace {

constexpr char kByService[] = "proxy/service";

std::string index_value(const kube::ObjectKey& service) { return service.to_string(); }

}  // namespace

Proxy::Proxy(env::Env env, informer::Informers& informers, network::ServiceRules& rules,
             const Options& options)
    : env_(std::move(env)),
      rules_(rules),
      options_(options),
      services_(informers.of<kube::Service>()),
      slices_(informers.of<kube::EndpointSlice>()),
      self_(std::make_shared<Proxy*>(this)) {
  slices_.add_index(kByService, [](const kube::EndpointSlice& slice) {
    return std::vector<std::string>{index_value(service_of(slice))};
  });
  services_.on_change([self = std::weak_ptr(self_)](const informer::Delta<kube::Service>& delta) {
    if (const auto alive = self.lock()) (*alive)->service_changed(delta.object().key());
  });
  slices_.on_change(
      [self = std::weak_ptr(self_)](const informer::Delta<kube::EndpointSlice>& delta) {
        const auto alive = self.lock();
        if (!alive) return;
        if (delta.before) (*alive)->service_changed(service_of(*delta.before));
        if (delta.after) (*alive)->service_changed(service_of(*delta.after));
      });
}

void Proxy::add_node(const NodeView& view) {
  Node& node = nodes_[view.name];
  node.view = view;
  node.ports.clear();
  node.stale = true;
  for (const auto& [service, ports] : ports_) update(node, service);
  schedule();
}

void Proxy::remove_node(const std::string& name) { nodes_.erase(name); }

void Proxy::service_changed(const kube::ObjectKey& service) {
  changed_.insert(service);
  schedule();
}

void Proxy::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  const MonoTime now = env_.clock.monotonic();
  const MonoTime due = last_sync_ == MonoTime::min() ? now : std::max(now, last_sync_ + pause());
  timer_ = env_.executor.after(due - now, [this] { sync(); });
}

Duration Proxy::pause() const {
  std::size_t endpoints = 0;
  for (const auto& [service, ports] : ports_) endpoints += ports.endpoints();
  return std::max(options_.min_sync_period, informer::rest_after(endpoints));
}

void Proxy::sync() {
  scheduled_ = false;
  last_sync_ = env_.clock.monotonic();
  const std::set<kube::ObjectKey> changed = std::exchange(changed_, {});
  for (const kube::ObjectKey& service : changed) compute(service);
  for (auto& [name, node] : nodes_) {
    for (const kube::ObjectKey& service : changed) update(node, service);
    if (node.stale) apply(node);
  }
}

void Proxy::compute(const kube::ObjectKey& service) {
  ports_.erase(service);
  const auto object = services_.get(service);
  if (object) ports_.emplace(service, ServicePorts(*object, slices_.by_index(kByService, index_value(service))));
}

void Proxy::update(Node& node, const kube::ObjectKey& service) {
  const auto found = ports_.find(service);
  Ports ports = found == ports_.end() ? Ports{} : found->second.on(node.view);
  Ports& known = node.ports[service];
  if (known != ports) {
    known = std::move(ports);
    node.stale = true;
  }
  if (known.empty()) node.ports.erase(service);
}

void Proxy::apply(Node& node) {
  network::NodeRules rules;
  for (const auto& [service, ports] : node.ports) {
    rules.services.insert(rules.services.end(), ports.begin(), ports.end());
  }
  ++applies_;
  const Status applied = rules_.apply(node.view.name, rules);
  node.stale = !applied;
  if (applied) return;
  env_.log.write(env::Level::kWarning, "proxy",
                 fmt::format("rules of {}: {}", node.view.name, applied.error().message));
  node.retry = env_.executor.after(options_.retry, [this] { schedule(); });
}

}  // namespace minato::proxy
