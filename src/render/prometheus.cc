#include "render/prometheus.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <map>

#include "base/check.h"
#include "render/alerts.h"
#include "render/yaml.h"

namespace minato::render {
namespace json = boost::json;
namespace {

struct Rule {
  std::string expression;
  std::string_view lasting;
  std::string_view severity;
};
using Rules = std::map<std::string_view, Rule>;

// What Pods do by themselves.
void add_pod_rules(const spec::Spec& spec, Rules& out) {
  const std::string space = fmt::format("namespace=\"{}\"", spec.service);
  // A crash alone is waited out; restarts are counted over as long as the longest back-offs take.
  out["PodCrashLooping"] = {
      fmt::format(
          "increase(kube_pod_container_status_restarts_total{{{0}}}[30m]) >= 3 "
          "and on (namespace, pod, container) max_over_time("
          "kube_pod_container_status_waiting_reason{{{0},reason=\"CrashLoopBackOff\"}}[6m]) >= 1",
          space),
      "0m", "critical"};
  out["PodCannotStart"] = {
      fmt::format("kube_pod_container_status_waiting_reason{{{},reason=~\"ErrImagePull|"
                  "ImagePullBackOff|CreateContainerConfigError|InvalidImageName\"}} == 1",
                  space),
      "1m", "critical"};
  out["PodOutOfMemory"] = {
      fmt::format("kube_pod_container_status_last_terminated_reason{{{0},reason=\"OOMKilled\"}} == "
                  "1 and on (namespace, pod, container) "
                  "increase(kube_pod_container_status_restarts_total{{{0}}}[10m]) > 0",
                  space),
      "0m", "warning"};
  out["PodPending"] = {fmt::format("kube_pod_status_phase{{{},phase=\"Pending\"}} == 1", space),
                       "5m", "warning"};
  out["ProbesFail"] = {
      fmt::format("increase(prober_probe_total{{{},probe_type=~\"Liveness|Readiness\","
                  "result=\"failed\"}}[5m]) >= 3",
                  space),
      "1m", "warning"};
  out["BudgetExhausted"] = {fmt::format("kube_poddisruptionbudget_status_current_healthy{{{0}}} < "
                                        "kube_poddisruptionbudget_status_desired_healthy{{{0}}}",
                                        space),
                            "5m", "warning"};
}

// Whether there are as many of them as there shall be.
void add_service_rules(const spec::Spec& spec, Rules& out) {
  const std::string deployment = fmt::format("namespace=\"{0}\",deployment=\"{0}\"", spec.service);
  const std::string hpa =
      fmt::format("namespace=\"{0}\",horizontalpodautoscaler=\"{0}\"", spec.service);
  out["ServiceShortOfPods"] = {fmt::format("kube_deployment_status_replicas_available{{{}}} < {}",
                                           deployment, spec.replicas.min),
                               "1m", "critical"};
  out["RolloutStuck"] = {
      fmt::format(
          "kube_deployment_status_condition{{{},condition=\"Progressing\",status=\"false\"}} == 1",
          deployment),
      "0m", "critical"};
  out["AutoscalerAtItsEnd"] = {
      fmt::format("kube_horizontalpodautoscaler_status_current_replicas{{{}}} >= {}", hpa,
                  spec.replicas.max),
      "5m", "warning"};
  out["AutoscalerBlind"] = {
      fmt::format("kube_horizontalpodautoscaler_status_condition{{{},condition=\"ScalingActive\","
                  "status=\"false\"}} == 1",
                  hpa),
      "3m", "warning"};
  out["MetricsMissing"] = {
      fmt::format("absent(kube_deployment_status_replicas_available{{{}}})", deployment), "10m",
      "warning"};
}

void add_node_rules(Rules& out) {
  out["NodesDoNotCome"] = {"increase(cluster_autoscaler_failed_scale_ups_total[15m]) > 0", "0m",
                           "warning"};
  out["NodeNotReady"] = {"kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 0",
                         "1m", "warning"};
}

json::object metadata(const spec::Spec& spec) {
  return {{"name", spec.service},
          {"namespace", spec.service},
          {"labels",
           {{"app.kubernetes.io/name", spec.service}, {"app.kubernetes.io/managed-by", "minato"}}}};
}

json::object receiver_of(const spec::Alert& alert, const std::string& secret) {
  const json::object address{{"name", secret}, {"key", alert.kind}};
  if (alert.kind == "slack") {
    return {
        {"apiURL", address},
        {"sendResolved", true},
        {"title", "{{ .CommonLabels.alertname }}: {{ .Status }}"},
        {"text",
         "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.runbook }}\n{{ end }}"}};
  }
  return {{"urlSecret", address}, {"sendResolved", true}};
}

}  // namespace

std::string prometheus_rule_yaml(const spec::Spec& spec) {
  Rules rules;
  add_pod_rules(spec, rules);
  add_service_rules(spec, rules);
  add_node_rules(rules);
  json::array list;
  Comments comments{{"kind", "eks.prometheus"}};
  for (const Alert& alert : prometheus_alerts(spec)) {
    CHECK(rules.contains(alert.name), "no rule for {}", alert.name);
    const Rule& rule = rules.at(alert.name);
    const std::string at = fmt::format("spec.groups[0].rules[{}].expr", list.size());
    if (alert.name == "ServiceShortOfPods") comments[at] = "replicas.min";
    if (alert.name == "AutoscalerAtItsEnd") comments[at] = "replicas.max";
    list.push_back(json::object{
        {"alert", alert.name},
        {"expr", rule.expression},
        {"for", rule.lasting},
        // By the namespace Alertmanager knows whose configuration an alert falls under.
        {"labels", {{"severity", rule.severity}, {"namespace", spec.service}}},
        {"annotations", {{"summary", alert.means}, {"runbook", first_step(alert, spec)}}}});
  }
  const json::object object{{"apiVersion", "monitoring.coreos.com/v1"},
                            {"kind", "PrometheusRule"},
                            {"metadata", metadata(spec)},
                            {"spec",
                             {{"groups", json::array{json::object{{"name", spec.service},
                                                                  {"rules", std::move(list)}}}}}}};
  return to_yaml(object, comments);
}

std::string alerts_secret_name(const spec::Spec& spec) { return spec.service + "-alerts"; }

std::string alertmanager_config_yaml(const spec::Spec& spec) {
  json::object receiver{{"name", "service"}};
  for (const spec::Alert& alert : spec.alerts) {
    if (alert.kind != "slack" && alert.kind != "webhook") continue;
    const std::string key = alert.kind + "Configs";
    if (!receiver.contains(key)) receiver[key] = json::array{};
    receiver[key].as_array().push_back(receiver_of(alert, alerts_secret_name(spec)));
  }
  if (receiver.size() == 1) return "";
  const json::object object{{"apiVersion", "monitoring.coreos.com/v1alpha1"},
                            {"kind", "AlertmanagerConfig"},
                            {"metadata", metadata(spec)},
                            {"spec",
                             {{"route",
                               {{"receiver", "service"},
                                {"groupBy", {"alertname"}},
                                {"groupWait", "30s"},
                                {"groupInterval", "5m"},
                                {"repeatInterval", "4h"}}},
                              {"receivers", json::array{std::move(receiver)}}}}};
  return to_yaml(object, {{"spec.receivers", "alerts"}});
}

}  // namespace minato::render
