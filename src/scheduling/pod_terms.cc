#include "scheduling/pod_terms.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/names.h"

namespace minato::scheduling {
namespace {

constexpr std::int64_t kDefaultHostnameSkew = 3;
constexpr std::int64_t kDefaultZoneSkew = 5;
constexpr std::string_view kAnyAddress = "0.0.0.0";

// Selector::to_string() is empty for both everything and nothing.
std::string identity_of(const kube::Selector& selector) {
  if (selector.matches_everything()) return "*";
  const std::string text = selector.to_string();
  return text.empty() ? "-" : text;
}

std::string identity_of(const AffinityTerm& term) {
  return fmt::format("{}\x1f{}\x1f{}\x1f{}", join(term.namespaces, ","),
                     term.namespace_selector ? identity_of(*term.namespace_selector) : "",
                     identity_of(term.selector), term.topology_key);
}

// The selector, narrowed to Pods that have the same (or other) values of the given labels.
kube::Selector narrowed(const kube::Box<kube::LabelSelector>& selector,
                        const std::vector<std::string>& match_keys,
                        const std::vector<std::string>& mismatch_keys, const kube::Labels& labels) {
  if (!selector) return kube::Selector::nothing();
  kube::LabelSelector out = *selector;
  const auto narrow = [&](const std::vector<std::string>& keys, const char* op) {
    for (const std::string& key : keys) {
      const auto found = labels.find(key);
      if (found != labels.end()) out.match_expressions.push_back({key, op, {found->second}, {}});
    }
  };
  narrow(match_keys, "In");
  narrow(mismatch_keys, "NotIn");
  return kube::Selector::from(out).value_or(kube::Selector::nothing());
}

AffinityTerm compile(const kube::PodAffinityTerm& term, const kube::Pod& pod) {
  AffinityTerm out;
  out.namespaces = term.namespaces;
  if (out.namespaces.empty() && !term.namespace_selector) {
    out.namespaces.push_back(pod.metadata.namespace_);
  }
  std::ranges::sort(out.namespaces);
  if (term.namespace_selector) {
    out.namespace_selector =
        kube::Selector::from(*term.namespace_selector).value_or(kube::Selector::nothing());
  }
  out.selector = narrowed(term.label_selector, term.match_label_keys, term.mismatch_label_keys,
                          pod.metadata.labels);
  out.topology_key = term.topology_key;
  out.identity = identity_of(out);
  return out;
}

SpreadConstraint constraint(const kube::Pod& pod, std::string topology_key, kube::Selector selector,
                            std::int64_t max_skew) {
  SpreadConstraint out;
  out.counted.namespaces = {pod.metadata.namespace_};
  out.counted.selector = std::move(selector);
  out.counted.topology_key = std::move(topology_key);
  out.counted.identity = identity_of(out.counted);
  out.max_skew = max_skew;
  out.matches_itself = out.counted.selector.matches(pod.metadata.labels);
  return out;
}

void add_defaults(const kube::Pod& pod, const kube::Selector& selector, SpreadConstraints& out) {
  out.defaulted = true;
  out.preferred.push_back(
      constraint(pod, std::string(kube::kLabelHostname), selector, kDefaultHostnameSkew));
  out.preferred.push_back(
      constraint(pod, std::string(kube::kLabelZone), selector, kDefaultZoneSkew));
}

}  // namespace

bool AffinityTerm::matches(const std::string& namespace_, const kube::Labels* namespace_labels,
                           const kube::Labels& labels) const {
  static const kube::Labels kNoLabels;
  const bool here =
      std::ranges::binary_search(namespaces, namespace_) ||
      (namespace_selector &&
       namespace_selector->matches(namespace_labels ? *namespace_labels : kNoLabels));
  return here && selector.matches(labels);
}

PodTerms pod_terms(const kube::Pod& pod) {
  PodTerms out;
  if (!pod.spec.affinity) return out;
  const auto add = [&](const auto& affinity, std::vector<AffinityTerm>& required, int sign) {
    if (!affinity) return;
    for (const auto& term : affinity->required_during_scheduling_ignored_during_execution) {
      required.push_back(compile(term, pod));
    }
    for (const auto& term : affinity->preferred_during_scheduling_ignored_during_execution) {
      out.preferred.push_back({compile(term.pod_affinity_term, pod),
                               static_cast<std::int64_t>(term.weight) * sign});
    }
  };
  add(pod.spec.affinity->pod_affinity, out.required_affinity, 1);
  add(pod.spec.affinity->pod_anti_affinity, out.required_anti_affinity, -1);
  return out;
}

SpreadConstraints spread_constraints(const kube::Pod& pod,
                                     const std::optional<kube::Selector>& default_selector) {
  SpreadConstraints out;
  for (const auto& wanted : pod.spec.topology_spread_constraints) {
    kube::Selector selector =
        narrowed(wanted.label_selector, wanted.match_label_keys, {}, pod.metadata.labels);
    SpreadConstraint compiled =
        constraint(pod, wanted.topology_key, std::move(selector), wanted.max_skew);
    compiled.min_domains = wanted.min_domains.value_or(1);
    if (wanted.node_affinity_policy == "Ignore") compiled.affinity_policy = NodeInclusion::kIgnore;
    if (wanted.node_taints_policy == "Honor") compiled.taints_policy = NodeInclusion::kHonor;
    auto& list = wanted.when_unsatisfiable == "ScheduleAnyway" ? out.preferred : out.required;
    list.push_back(std::move(compiled));
  }
  if (pod.spec.topology_spread_constraints.empty() && default_selector &&
      !default_selector->matches_everything()) {
    add_defaults(pod, *default_selector, out);
  }
  return out;
}

bool HostPort::conflicts_with(const HostPort& other) const {
  return port == other.port && protocol == other.protocol &&
         (ip == other.ip || ip == kAnyAddress || other.ip == kAnyAddress);
}

std::vector<HostPort> host_ports(const kube::PodSpec& spec) {
  std::vector<HostPort> out;
  const auto add = [&](const kube::Container& container) {
    for (const kube::ContainerPort& port : container.ports) {
      if (port.host_port <= 0) continue;
      out.push_back({port.host_ip.empty() ? std::string(kAnyAddress) : port.host_ip,
                     port.protocol.empty() ? "TCP" : port.protocol, port.host_port});
    }
  };
  for (const kube::Container& container : spec.containers) add(container);
  for (const kube::Container& container : spec.init_containers) {
    if (container.restart_policy == "Always") add(container);
  }
  return out;
}

}  // namespace minato::scheduling
