#include "render/prometheus.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "render/yaml.h"

namespace minato::render {
namespace json = boost::json;
namespace {

struct Alert {
  std::string_view name;
  std::string expression;
  std::string_view lasting;
  std::string_view severity;
  std::string_view summary;
};

json::object to_json(const Alert& alert) {
  return {{"alert", alert.name},
          {"expr", alert.expression},
          {"for", alert.lasting},
          {"labels", {{"severity", alert.severity}}},
          {"annotations", {{"summary", alert.summary}}}};
}

json::array alerts_of(const spec::Spec& spec) {
  const std::string space = fmt::format("namespace=\"{}\"", spec.service);
  const std::string deployment = fmt::format("{},deployment=\"{}\"", space, spec.service);
  const std::string hpa = fmt::format("{},horizontalpodautoscaler=\"{}\"", space, spec.service);
  const Alert alerts[] = {
      {"ServiceShortOfPods",
       fmt::format("kube_deployment_status_replicas_available{{{}}} < {}", deployment,
                   spec.replicas.min),
       "1m", "critical", "Fewer Pods answer than replicas.min."},
      {"PodCrashLooping",
       fmt::format("increase(kube_pod_container_status_restarts_total{{{}}}[5m]) >= 3", space),
       "0m", "critical", "{{ $labels.pod }} restarts again and again."},
      {"PodCannotStart",
       fmt::format("kube_pod_container_status_waiting_reason{{{},reason=~\"ErrImagePull|"
                   "ImagePullBackOff|CreateContainerConfigError|InvalidImageName\"}} == 1",
                   space),
       "1m", "critical", "{{ $labels.pod }} waits: {{ $labels.reason }}."},
      {"PodOutOfMemory",
       fmt::format("kube_pod_container_status_last_terminated_reason{{{0},reason=\"OOMKilled\"}} == "
                   "1 and on (namespace, pod, container) "
                   "increase(kube_pod_container_status_restarts_total{{{0}}}[10m]) > 0",
                   space),
       "0m", "warning", "{{ $labels.pod }} was ended at its memory limit."},
      {"RolloutStuck",
       fmt::format("kube_deployment_status_condition{{{},condition=\"Progressing\","
                   "status=\"false\"}} == 1",
                   deployment),
       "0m", "critical", "The newest version does not become ready; the one before still serves."},
      {"AutoscalerAtItsEnd",
       fmt::format("kube_horizontalpodautoscaler_status_current_replicas{{{}}} >= {}", hpa,
                   spec.replicas.max),
       "5m", "warning", "As many Pods as replicas.max allows: more load finds no more of them."},
      {"BudgetExhausted",
       fmt::format("kube_poddisruptionbudget_status_current_healthy{{{0}}} < "
                   "kube_poddisruptionbudget_status_desired_healthy{{{0}}}",
                   space),
       "5m", "warning", "Nodes cannot be drained: too few Pods are well."},
      {"NodeNotReady", "kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 0", "1m",
       "warning", "{{ $labels.node }} is not ready."}};
  json::array out;
  for (const Alert& alert : alerts) out.push_back(to_json(alert));
  return out;
}

}  // namespace

std::string prometheus_rule_yaml(const spec::Spec& spec) {
  const json::object object{
      {"apiVersion", "monitoring.coreos.com/v1"},
      {"kind", "PrometheusRule"},
      {"metadata",
       {{"name", spec.service},
        {"namespace", spec.service},
        {"labels",
         {{"app.kubernetes.io/name", spec.service}, {"app.kubernetes.io/managed-by", "minato"}}}}},
      {"spec",
       {{"groups",
         json::array{json::object{{"name", spec.service}, {"rules", alerts_of(spec)}}}}}}};
  return to_yaml(object, {{"kind", "eks.prometheus"},
                          {"spec.groups[0].rules[0].expr", "replicas.min"},
                          {"spec.groups[0].rules[5].expr", "replicas.max"}});
}

}  // namespace minato::render
