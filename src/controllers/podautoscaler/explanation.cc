#include "controllers/podautoscaler/explanation.h"

#include <fmt/format.h>

namespace minato::controllers {
namespace {

std::string pods_text(const PodCounts& pods) {
  return fmt::format("{} ready, {} unready, {} without metrics, {} ignored", pods.ready,
                     pods.unready, pods.missing, pods.ignored);
}

std::string verdict_text(const Proposal& proposal) {
  switch (proposal.verdict) {
    case Verdict::kProportional: return fmt::format("asks for {}", proposal.replicas);
    case Verdict::kWithinTolerance:
      return fmt::format("within tolerance ({} by proportion), stays at {}", proposal.raw_replicas,
                         proposal.replicas);
    case Verdict::kWouldTurn:
      return fmt::format("Pods without metrics or not ready would turn it round ({} with cautious "
                         "guesses), stays at {}", proposal.raw_replicas, proposal.replicas);
  }
  return {};
}

std::string metric_text(const MetricExplanation& metric) {
  if (!metric.proposal) return fmt::format("metric {}: {}\n", metric.name, metric.error);
  const Proposal& proposal = *metric.proposal;
  std::string ratio = fmt::format("{:.3f}", proposal.ratio);
  if (proposal.adjusted_ratio) {
    ratio += fmt::format(", {:.3f} with guesses", *proposal.adjusted_ratio);
  }
  return fmt::format("metric {}: {} of {}, ratio {}\n  Pods: {}\n  {}\n", metric.name,
                     metric.current, metric.target, ratio, pods_text(proposal.pods),
                     verdict_text(proposal));
}

}  // namespace

std::string to_text(const ScalingExplanation& explanation) {
  std::string out = fmt::format("{}: {} replicas, from {} to {}, at {}\n", explanation.target,
                                explanation.current_replicas, explanation.min_replicas,
                                explanation.max_replicas, format_rfc3339(explanation.at));
  for (const MetricExplanation& metric : explanation.metrics) out += metric_text(metric);
  if (explanation.proposed_replicas) {
    out += fmt::format("proposal: {} by {}\n", *explanation.proposed_replicas,
                       explanation.decisive_metric);
  }
  if (explanation.stabilized_replicas) {
    out += fmt::format("stabilization: {} ({})\nlimits: {} ({})\n",
                       *explanation.stabilized_replicas, explanation.stabilization,
                       explanation.desired_replicas, explanation.limit);
  }
  return out + fmt::format("outcome: {}\n", explanation.outcome);
}

}  // namespace minato::controllers
