#include "scheduler/default_spread.h"

#include <algorithm>

namespace minato::scheduler {
namespace {

bool chooses(const kube::Labels& selector, const kube::Labels& labels) {
  return std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

}  // namespace

DefaultSpread::DefaultSpread(informer::Informers& informers)
    : replica_sets_(informers.of<kube::ReplicaSet>()) {
  informers.of<kube::Service>().on_change([this](const informer::Delta<kube::Service>& delta) {
    if (delta.before && delta.after && delta.before->spec.selector == delta.after->spec.selector) {
      return;
    }
    const kube::Service& service = delta.object();
    auto& here = services_[service.metadata.namespace_];
    here.erase(service.metadata.name);
    if (delta.after && !service.spec.selector.empty()) {
      here[service.metadata.name] = service.spec.selector;
    }
    ++version_;
  });
}

std::optional<kube::Selector> DefaultSpread::selector_for(const kube::Pod& pod) const {
  kube::LabelSelector out;
  bool any = false;
  if (const auto here = services_.find(pod.metadata.namespace_); here != services_.end()) {
    for (const auto& [name, selector] : here->second) {
      if (!chooses(selector, pod.metadata.labels)) continue;
      out.match_labels.insert(selector.begin(), selector.end());
      any = true;
    }
  }
  for (const kube::OwnerReference& owner : pod.metadata.owner_references) {
    if (!owner.controller.value_or(false) || owner.kind != "ReplicaSet") continue;
    const auto set = replica_sets_.get({pod.metadata.namespace_, owner.name});
    if (!set || !set->spec.selector) continue;
    out.match_labels.insert(set->spec.selector->match_labels.begin(),
                            set->spec.selector->match_labels.end());
    out.match_expressions = set->spec.selector->match_expressions;
    any = true;
  }
  if (!any) return std::nullopt;
  auto selector = kube::Selector::from(out);
  return selector ? std::optional(std::move(*selector)) : std::nullopt;
}

}  // namespace minato::scheduler
