#include "network_policy/enforcer.h"

#include <fmt/format.h>

#include <algorithm>

#include "informer/controller.h"

namespace minato::network_policy {

Enforcer::Enforcer(env::Env env, informer::Informers& informers, network::PolicyRules& rules, const Options& options)
    : env_(std::move(env)),
      rules_(rules),
      options_(options),
      policies_(informers.of<kube::NetworkPolicy>()),
      pods_(informers.of<kube::Pod>()),
      namespaces_(informers.of<kube::Namespace>()),
      self_(std::make_shared<Enforcer*>(this)) {
  policies_.on_change([self = std::weak_ptr(self_)](const auto&) {
    if (const auto alive = self.lock()) (*alive)->schedule();
  });
  namespaces_.on_change([self = std::weak_ptr(self_)](const auto&) {
    if (const auto alive = self.lock()) (*alive)->schedule();
  });
  pods_.on_change([self = std::weak_ptr(self_)](const informer::Delta<kube::Pod>& delta) {
    if (const auto alive = self.lock()) (*alive)->pod_changed(delta);
  });
}

void Enforcer::add_node(const std::string& name) {
  nodes_[name].applied.reset();
  schedule();
}

void Enforcer::remove_node(const std::string& name) { nodes_.erase(name); }

void Enforcer::pod_changed(const informer::Delta<kube::Pod>& delta) {
  // Without policies nobody is restricted: what a policy's end changes was told of with that.
  if (policies_.all().empty()) return;
  if (delta.before && delta.after && same_for_policies(*delta.before, *delta.after)) return;
  schedule();
}

void Enforcer::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  const MonoTime now = env_.clock.monotonic();
  timer_ = env_.executor.after(std::max(now, not_before_) - now, [this] { sync(); });
}

void Enforcer::sync() {
  scheduled_ = false;
  std::map<std::string, network::NodePolicies> wanted;
  if (!policies_.all().empty()) {
    wanted = decide(objects());
    not_before_ = env_.clock.monotonic() + informer::rest_after(pods_.all().size());
  }
  for (auto& [name, node] : nodes_) apply(name, node, std::move(wanted[name]));
}

Objects Enforcer::objects() const {
  Objects out;
  for (const auto& [key, policy] : policies_.all()) out.policies.push_back(policy);
  for (const auto& [key, pod] : pods_.all()) out.pods.push_back(pod);
  for (const auto& [key, space] : namespaces_.all()) {
    out.namespaces[space->metadata.name] = space->metadata.labels;
  }
  return out;
}

void Enforcer::apply(const std::string& name, Node& node, network::NodePolicies wanted) {
  if (node.applied == wanted) return;
  const Status applied = rules_.apply(name, wanted);
  if (applied) {
    node.applied = std::move(wanted);
    return;
  }
  node.applied.reset();
  env_.log.write(env::Level::kWarning, "network-policy",
                 fmt::format("policies of {}: {}", name, applied.error().message));
  node.retry = env_.executor.after(options_.retry, [this] { schedule(); });
}

}  // namespace minato::network_policy
