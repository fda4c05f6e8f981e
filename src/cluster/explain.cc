#include "cluster/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/display.h"

namespace minato::cluster {
namespace {

std::string indented(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "    " + line + "\n";
  return out;
}

std::string fate_of(autoscaler::PodFate fate) {
  using autoscaler::PodFate;
  switch (fate) {
    case PodFate::kFits: return "it fits on a Node that is there; the scheduler will place it";
    case PodFate::kFitsUpcoming: return "it fits on a Node that is on its way";
    case PodFate::kTriggered: return "a group grows for it";
    case PodFate::kAwaitsNextScan: return "a group could grow for it, but another was chosen first";
    case PodFate::kNotHelped: return "no group can help";
    case PodFate::kIgnored: return "it is not the node autoscaler's business";
  }
  return {};
}

// Nodes that refuse for the same reasons on one line.
std::string refusals(const std::vector<scheduling::NodeVerdict>& verdicts) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const auto& verdict : verdicts) {
    nodes[verdict.reasons.empty() ? "would take it" : join(verdict.reasons, ", ")].push_back(verdict.node);
  }
  std::string out;
  for (const auto& [why, names] : nodes) out += fmt::format("    {}: {}\n", why, join(names, ", "));
  return out;
}

Result<std::string> explain_waiting_pod(Cluster& cluster, const kube::ObjectKey& key) {
  std::string out;
  if (const auto verdicts = cluster.scheduler().explain(key)) out += "  Nodes\n" + refusals(*verdicts);
  const auto helped = cluster.autoscaler().explain_pod(key);
  if (!helped) return out;
  out += fmt::format("  Node autoscaler: {}{}\n", fate_of(helped->fate), helped->detail.empty() ? "" : ": " + helped->detail);
  for (const auto& [group, reasons] : helped->groups) out += fmt::format("    group {}: {}\n", group, join(reasons, ", "));
  return out;
}

Result<std::string> explain_pod(Cluster& cluster, const kube::ObjectKey& key) {
  const auto pod = cluster.informers().of<kube::Pod>().get(key);
  if (!pod) return fail(Reason::kNotFound, fmt::format("pods \"{}\" not found in {}", key.name, key.namespace_));
  const kube::PodDisplay shown = kube::display(*pod);
  std::string out = fmt::format("Pod {} is {} ({} ready, {} restarts)\n", key.to_string(), shown.status, shown.ready, shown.restarts);
  if (pod->spec.node_name.empty()) {
    ASSIGN_OR_RETURN(const std::string why, explain_waiting_pod(cluster, key));
    return out + why;
  }
  out += fmt::format("  on Node {}\n", pod->spec.node_name);
  for (const kube::ContainerStatus& status : pod->status.container_statuses) {
    if (status.state.waiting) {
      out += fmt::format("  container {} waits: {}: {}\n", status.name, status.state.waiting->reason, status.state.waiting->message);
    }
    if (status.last_state.terminated) {
      const auto& ended = *status.last_state.terminated;
      out += fmt::format("  container {} last ended: {} (exit code {}) {}\n", status.name, ended.reason, ended.exit_code, ended.message);
    }
  }
  for (const kube::PodCondition& condition : pod->status.conditions) {
    if (condition.status == "True" || condition.message.empty()) continue;
    out += fmt::format("  {} is {}: {}\n", condition.type, condition.status, condition.message);
  }
  return out;
}

Result<std::string> explain_node(Cluster& cluster, const std::string& name) {
  const auto node = cluster.informers().of<kube::Node>().get({"", name});
  if (!node) return fail(Reason::kNotFound, fmt::format("nodes \"{}\" not found", name));
  std::string out = fmt::format("Node {} is {}\n", name, kube::display_status(*node));
  for (const removal::Progress& progress : cluster.remover().progress()) {
    if (progress.request.node == name) out += "  Removal " + describe(progress) + "\n";
  }
  const auto verdict = cluster.autoscaler().explain_node(name);
  if (!verdict) return out + "  Node autoscaler: it has not looked at it yet\n";
  if (verdict->group.empty()) return out + "  Node autoscaler: its group is not autoscaled, so it stays\n";
  out += fmt::format("  Group {}; {:.0f}% of it is requested\n", verdict->group, verdict->utilization * 100);
  if (verdict->going) {
    out += "  It is going\n";
  } else if (verdict->goes_in) {
    out += fmt::format("  Nobody needs it; it goes in {} if nothing changes\n", format_age(*verdict->goes_in));
  } else {
    out += "  It stays\n";
  }
  return out + indented(verdict->reasons);
}

Result<std::string> explain_group(Cluster& cluster, const std::string& name) {
  ASSIGN_OR_RETURN(const auto group, cluster.autoscaler().explain_group(name));
  std::string out = fmt::format("Group {}: desired {} of {} to {}; {} ready, {} upcoming, {} going, {} unready\n", name,
                                group.desired, group.min_size, group.max_size, group.ready, group.upcoming, group.going,
                                group.unready);
  out += "  Buys " + group.market + "\n";
  if (!group.zones.empty()) out += "  Zones are uneven: " + group.zones + "\n";
  if (group.cannot_grow.empty()) {
    out += "  It can grow\n";
  } else {
    out += "  It cannot grow\n" + indented(group.cannot_grow);
  }
  if (group.backoff_left) {
    out += fmt::format("  Backed off for {} more: {}\n", format_age(*group.backoff_left), group.backoff_message);
  }
  if (!group.pools_out.empty()) out += "  Pools without capacity\n" + indented(group.pools_out);
  return out;
}

}  // namespace

std::string describe(const removal::Progress& progress) {
  return fmt::format("({}): {}{}", to_string(progress.request.cause), to_string(progress.phase),
                     progress.detail.empty() ? "" : ": " + progress.detail);
}

Result<std::string> explain(Cluster& cluster, const std::string& kind, const std::string& name,
                            const std::string& namespace_) {
  const std::size_t slash = name.find('/');
  const kube::ObjectKey key = slash == std::string::npos ? kube::ObjectKey{namespace_, name}
                                                         : kube::ObjectKey{name.substr(0, slash), name.substr(slash + 1)};
  if (kind == "pod") return explain_pod(cluster, key);
  if (kind == "node") return explain_node(cluster, name);
  if (kind == "group") return explain_group(cluster, name);
  if (kind != "hpa") return fail(Reason::kBadRequest, fmt::format("'{}' cannot be explained; say pod, node, hpa or group", kind));
  const controllers::ScalingExplanation* why = cluster.controllers().explain_autoscaler(key);
  if (why == nullptr) {
    return fail(Reason::kNotFound, fmt::format("no decision about HorizontalPodAutoscaler {} yet", key.to_string()));
  }
  return controllers::to_text(*why);
}

}  // namespace minato::cluster
