#include "render/alerts.h"

#include <fmt/format.h>

#include <array>

#include "render/controllers.h"
#include "render/hcl.h"

namespace minato::render {
namespace {

constexpr auto kCloudWatch = std::to_array<Alert>({
    {"errors", "More of the answers are 5xx than the objective allows.",
     "`kubectl -n @{service} get pods`, then the logs of those that restart; `kubectl -n "
     "@{service} "
     "rollout undo deployment/@{service}` if it began with a deploy."},
    {"load-balancer-errors",
     "The load balancer itself answers 5xx: no healthy node, or a connection that a node cut.",
     "The target group's health in the console; `keep_alive` of the service must be above the idle "
     "timeout."},
    {"connection-errors", "Nodes refuse or lose connections of the load balancer.",
     "`kubectl get nodes`, then `kubectl -n @{service} get endpointslices`: Pods that are gone "
     "must "
     "not be in there."},
    {"rejected-connections", "The load balancer is at its limit of connections.",
     "Who sends them: the load balancer's metrics by zone; slow answers hold connections open."},
    {"unhealthy-nodes", "Nodes fail the health check for two minutes.",
     "`kubectl get nodes`: a node that is not ready, or one that the autoscaler takes away and "
     "that "
     "hangs."},
    {"few-healthy-nodes", "Fewer than two healthy nodes: the next failure is an outage.",
     "`kubectl get nodes`, then the activities of the Auto Scaling group: no capacity, or no "
     "quota."},
    {"slow", "The 99th percentile of response times is above the objective.",
     "`kubectl -n @{service} top pods` and `get hpa`: are there as many Pods as may be, and what "
     "do "
     "they wait for?"},
    {"missing-nodes", "A group has had fewer instances than it wants for ten minutes.",
     "The activities of the Auto Scaling group say why: no spot capacity (more types), no quota, "
     "no "
     "free address in a subnet."},
    {"group-at-maximum", "A group has wanted as many instances as it may have for ten minutes.",
     "`kubectl -n @{service} get pods --field-selector=status.phase=Pending`; raise `nodes.*.max` "
     "if "
     "Pods wait."},
});

constexpr auto kPrometheus = std::to_array<Alert>({
    {"ServiceShortOfPods", "Fewer Pods answer than replicas.min.",
     "`kubectl -n @{service} get pods`, then `describe` one that is not ready: its events say "
     "why."},
    {"PodCrashLooping", "{{ $labels.container }} of {{ $labels.pod }} restarts again and again.",
     "`kubectl -n @{service} logs --previous` of that Pod; `rollout undo` if it began with a "
     "deploy."},
    {"PodCannotStart", "{{ $labels.pod }} waits: {{ $labels.reason }}.",
     "Is the image in the registry, and may nodes pull it? Is there the Secret that it names?"},
    {"PodOutOfMemory",
     "{{ $labels.container }} of {{ $labels.pod }} was ended at its memory limit.",
     "A leak, or `memory` is too small: `kubectl -n @{service} top pods --containers`."},
    {"PodPending", "{{ $labels.pod }} has waited for five minutes to run.",
     "`kubectl -n @{service} describe pod`: no node fits it, and the autoscaler's events say why "
     "none "
     "is added."},
    {"ProbesFail", "{{ $labels.pod }} fails its {{ $labels.probe_type }} probe.",
     "`kubectl -n @{service} get events --field-selector=type=Warning`; a Pod that is too busy "
     "answers late."},
    {"RolloutStuck", "The newest version does not become ready; the one before still serves.",
     "`kubectl -n @{service} rollout undo deployment/@{service}`, then the newest Pods' events and "
     "logs."},
    {"AutoscalerAtItsEnd", "As many Pods as replicas.max allows: more load finds no more of them.",
     "Is the load real? Then raise `replicas.max`, and `nodes.scaling.max` with it."},
    {"AutoscalerBlind", "The HorizontalPodAutoscaler cannot read what Pods use, and stands still.",
     "`kubectl -n kube-system get deployment metrics-server`, then `kubectl -n @{service} describe "
     "hpa`."},
    {"NodesDoNotCome", "The autoscaler asked for nodes and got none.",
     "`kubectl -n kube-system logs deployment/cluster-autoscaler-aws-cluster-autoscaler`: no "
     "capacity, no quota."},
    {"BudgetExhausted", "Nodes cannot be drained: too few Pods are well.",
     "`kubectl -n @{service} get pdb,pods`; whatever keeps Pods from being ready holds up drains."},
    {"NodeNotReady", "{{ $labels.node }} is not ready.",
     "`kubectl describe node`; its Pods are replaced elsewhere by themselves."},
    {"MetricsMissing", "Nothing is known of the service: no rule here can fire.",
     "Is kube-state-metrics there, and does Prometheus read it?"},
});

// As people read it: "{{ $labels.pod }} waits" is "pod waits".
std::string plain(std::string_view text) {
  constexpr std::string_view kOpen = "{{ $labels.", kClose = " }}";
  std::string out(text);
  for (const std::string_view part : {kOpen, kClose}) {
    for (std::size_t at = out.find(part); at != std::string::npos; at = out.find(part))
      out.erase(at, part.size());
  }
  return out;
}

std::string table(std::string_view heading, std::span<const Alert> alerts, std::string_view prefix,
                  const spec::Spec& spec) {
  std::string out =
      fmt::format("\n## {}\n| alert | means | look first |\n|---|---|---|\n", heading);
  for (const Alert& alert : alerts)
    out += fmt::format("| `{}{}` | {} | {} |\n", prefix, alert.name, plain(alert.means),
                       first_step(alert, spec));
  return out;
}

}  // namespace

std::span<const Alert> cloudwatch_alerts() { return kCloudWatch; }
std::vector<Alert> prometheus_alerts(const spec::Spec& spec) {
  std::vector<Alert> out(kPrometheus.begin(), kPrometheus.end());
  // By a metric of upstream's autoscaler. With minato's, PodPending says it.
  if (uses_own_controllers(spec)) std::erase_if(out, [](const Alert& alert) { return alert.name == "NodesDoNotCome"; });
  return out;
}

std::string first_step(const Alert& alert, const spec::Spec& spec) {
  Values values;
  values.texts["service"] = spec.service;
  std::string out = expand(alert.first, values);
  out.pop_back();  // The end of its only line.
  return out;
}

void add_alarm_texts(const spec::Spec& spec, Values& out) {
  for (const Alert& alert : kCloudWatch) {
    out.texts[fmt::format("alarm_{}", alert.name)] =
        hcl_quote(fmt::format("{} First: {}", alert.means, first_step(alert, spec)));
  }
}

std::string runbook(const spec::Spec& spec) {
  std::string out = fmt::format(
      "# Alerts of {}\n\nWho is told: `alerts` in minato.yaml (terraform/observability.tf).\n",
      spec.service);
  out += table("CloudWatch", kCloudWatch, spec.service + "-", spec);
  if (spec.eks.prometheus) out += table("Prometheus", prometheus_alerts(spec), "", spec);
  return out;
}

}  // namespace minato::render
