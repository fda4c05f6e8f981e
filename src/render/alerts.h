// What is watched on EKS: alarms of CloudWatch (load balancer and groups) and, for a cluster with
// an operator of Prometheus, rules over its objects; what each means, and where to look first.
//
// One table is behind the alarm's own text, the rule's annotation and RUNBOOK.md. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "render/template.h"
#include "spec/spec.h"

namespace minato::render {

struct Alert {
  std::string_view name;  // CloudWatch: what follows "<service>-"; Prometheus: the alert's name.
  std::string_view means;
  std::string_view first;  // Where to look first; @{service} is the service and its namespace.
};
std::span<const Alert> cloudwatch_alerts();
std::vector<Alert> prometheus_alerts(const spec::Spec& spec);

// Where to look first, for this service.
std::string first_step(const Alert& alert, const spec::Spec& spec);
// Texts "alarm_<name>" for the template of the alarms.
void add_alarm_texts(const spec::Spec& spec, Values& out);
std::string runbook(const spec::Spec& spec);

}  // namespace minato::render
