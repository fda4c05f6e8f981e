#include "cluster/roles.h"

#include <fmt/format.h>

#include "blueprint/system.h"
#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::cluster {
namespace {

std::string role_of(const kube::Pod& pod) {
  if (pod.metadata.namespace_ != kube::kNamespaceSystem) return {};
  const auto found = pod.metadata.labels.find(std::string(blueprint::kLabelRole));
  return found == pod.metadata.labels.end() ? std::string() : found->second;
}

}  // namespace

Roles::Roles(env::Env env, informer::Informers& informers, Presence presence)
    : env_(std::move(env)), presence_(presence), self_(std::make_shared<Roles*>(this)) {
  if (presence_ == Presence::kAssumed) return;
  informers.of<kube::Pod>().on_change(
      [self = std::weak_ptr(self_)](const informer::Delta<kube::Pod>& delta) {
        if (const auto alive = self.lock()) (*alive)->pod_changed(delta);
      });
}

void Roles::watch(const std::string& role, std::function<void(bool active)> changed) {
  watchers_[role] = std::move(changed);
}

void Roles::watch_nodes(const std::string& role, std::function<void()> changed) {
  node_watchers_[role] = std::move(changed);
}

void Roles::start() {
  started_ = true;
  for (const auto& [role, watcher] : watchers_) {
    const bool active = told_[role] = is_active(role);
    watcher(active);
  }
  tell_nodes();
}

bool Roles::is_active(const std::string& role) const {
  if (presence_ == Presence::kAssumed) return true;
  const auto found = ready_.find(role);
  return found != ready_.end() && !found->second.empty();
}

const std::set<std::string>& Roles::nodes_of(const std::string& role) const {
  static const std::set<std::string> kNone;
  const auto found = nodes_.find(role);
  return found == nodes_.end() ? kNone : found->second;
}

void Roles::pod_changed(const informer::Delta<kube::Pod>& delta) {
  const std::string role = role_of(delta.object());
  if (role.empty()) return;
  auto& ready = ready_[role];
  const bool is_ready = delta.after && controllers::is_pod_ready(*delta.after) &&
                        !is_set(delta.after->metadata.deletion_timestamp);
  if (is_ready) {
    ready[delta.after->key()] = delta.after->spec.node_name;
  } else {
    ready.erase(delta.object().key());
  }
  auto& nodes = nodes_[role];
  nodes.clear();
  for (const auto& [key, node] : ready) nodes.insert(node);
  schedule();
}

void Roles::schedule() {
  if (!started_ || scheduled_) return;
  scheduled_ = true;
  env_.executor.post([self = std::weak_ptr(self_)] {
    if (const auto alive = self.lock()) (*alive)->tell();
  });
}

void Roles::tell() {
  scheduled_ = false;
  for (const auto& [role, watcher] : watchers_) {
    const bool active = is_active(role);
    if (active == told_[role]) continue;
    told_[role] = active;
    env_.log.write(active ? env::Level::kInfo : env::Level::kWarning, "roles",
                   fmt::format("{} {}", role, active ? "acts: a Pod of it is Ready" : "does nothing: no Pod of it is Ready"));
    watcher(active);
  }
  tell_nodes();
}

void Roles::tell_nodes() {
  for (const auto& [role, watcher] : node_watchers_) {
    if (const auto& nodes = nodes_of(role); told_nodes_[role] != nodes) {
      told_nodes_[role] = nodes;
      watcher();
    }
  }
}

}  // namespace minato::cluster
