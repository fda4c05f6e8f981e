#include "scheduling/pod_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kube/json.h"

namespace minato::scheduling {
namespace {

template <class T>
void append_part(std::string& out, const T& value) {
  kube::append_json(out, kube::type_of<T>(), &value);
  out += '\x1e';
}

std::string tolerations_identity(const kube::PodSpec& spec) {
  std::string out;
  for (const kube::Toleration& toleration : spec.tolerations) {
    fmt::format_to(std::back_inserter(out), "{}\x1f{}\x1f{}\x1f{}\x1e", toleration.key,
                   toleration.operator_, toleration.value, toleration.effect);
  }
  return out;
}

std::string node_choice_identity(const kube::PodSpec& spec) {
  std::string out;
  if (!spec.node_selector.empty()) append_part(out, spec.node_selector);
  if (spec.affinity && spec.affinity->node_affinity) {
    append_part(out, *spec.affinity->node_affinity);
  }
  return out;
}

// Numbers and small parts of the identity, from the already parsed template.
void append_scalars(std::string& key, const PodTemplate& t) {
  fmt::format_to(std::back_inserter(key), "{}\x1e{}\x1e{}\x1e{}\x1e{}\x1e{}\x1e{}\x1e{}\x1e",
                 t.namespace_, t.priority, t.preempts, t.requests.milli_cpu,
                 t.requests.memory_bytes, t.requests.ephemeral_storage_bytes, t.scoring_milli_cpu,
                 t.scoring_memory_bytes);
  for (const auto& [name, amount] : t.requests.extended) {
    fmt::format_to(std::back_inserter(key), "{}\x1f{}\x1f", name, amount);
  }
  key += '\x1e';
  for (const auto& [name, value] : t.labels) {
    fmt::format_to(std::back_inserter(key), "{}\x1f{}\x1f", name, value);
  }
  key += '\x1e';
  for (const HostPort& port : t.host_ports) {
    fmt::format_to(std::back_inserter(key), "{}\x1f{}\x1f{}\x1f", port.ip, port.protocol,
                   port.port);
  }
  key += '\x1e';
  fmt::format_to(std::back_inserter(key), "\x1e{}\x1d{}\x1d", t.tolerations_identity,
                 t.node_choice_identity);
}

void append_pod_rules(std::string& key, const kube::PodSpec& spec,
                      const std::optional<kube::Selector>& default_selector) {
  if (spec.affinity && spec.affinity->pod_affinity) append_part(key, *spec.affinity->pod_affinity);
  key += '\x1d';
  if (spec.affinity && spec.affinity->pod_anti_affinity) {
    append_part(key, *spec.affinity->pod_anti_affinity);
  }
  key += '\x1d';
  if (!spec.topology_spread_constraints.empty()) {
    append_part(key, spec.topology_spread_constraints);
  } else if (default_selector) {
    key += default_selector->to_string();
  }
}

}  // namespace

PodInfoPtr TemplateTable::parse(std::shared_ptr<const kube::Pod> pod,
                                const std::optional<kube::Selector>& default_selector) {
  const kube::PodSpec& spec = pod->spec;
  PodTemplate parsed;
  parsed.namespace_ = pod->metadata.namespace_;
  parsed.labels = pod->metadata.labels;
  parsed.priority = spec.priority.value_or(0);
  parsed.preempts = spec.preemption_policy != "Never";
  parsed.requests = pod_requests(spec);
  const Resources scoring = pod_requests_for_scoring(spec);
  parsed.scoring_milli_cpu = scoring.milli_cpu;
  parsed.scoring_memory_bytes = scoring.memory_bytes;
  parsed.host_ports = host_ports(spec);
  parsed.tolerations_identity = tolerations_identity(spec);
  parsed.node_choice_identity = node_choice_identity(spec);

  key_.clear();
  append_scalars(key_, parsed);
  append_pod_rules(key_, spec, default_selector);
  auto found = templates_.find(key_);
  if (found == templates_.end()) {
    parsed.tolerations = spec.tolerations;
    parsed.required_nodes = RequiredNodes(spec);
    parsed.preferred_nodes = preferred_nodes(spec);
    parsed.spread = spread_constraints(*pod, default_selector);
    parsed.terms = pod_terms(*pod);
    forget_unused();
    found = templates_.emplace(key_, std::make_shared<const PodTemplate>(std::move(parsed))).first;
  }
  const bool terminating = is_set(pod->metadata.deletion_timestamp);
  return std::make_shared<const PodInfo>(PodInfo{std::move(pod), found->second, terminating});
}

void TemplateTable::forget_unused() {
  if (templates_.size() < sweep_at_) return;
  std::erase_if(templates_, [](const auto& entry) { return entry.second.use_count() == 1; });
  // Doubling keeps sweeps rare however many templates are in use.
  sweep_at_ = std::max<std::size_t>(1024, 2 * templates_.size());
}

}  // namespace minato::scheduling
