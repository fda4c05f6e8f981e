#include <fmt/format.h>

#include "apiserver/table.h"
#include "base/strings.h"
#include "kube/types/autoscaling.h"
#include "kube/types/coordination.h"
#include "kube/types/discovery.h"
#include "kube/types/endpoints.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"

namespace minato::apiserver {

using kube::Object;

namespace {

constexpr std::size_t kShownEndpoints = 3;
constexpr std::size_t kShownMetrics = 2;

std::string with_more(std::vector<std::string> parts, std::size_t shown, std::string_view none) {
  if (parts.empty()) return std::string(none);
  const std::size_t total = parts.size();
  if (total <= shown) return join(parts, ",");
  parts.resize(shown);
  return fmt::format("{} + {} more...", join(parts, ","), total - shown);
}

constexpr Column kEndpointSliceColumns[] = {
    {"Name"}, {"AddressType"}, {"Ports"}, {"Endpoints"}, {"Age"}};

void print_endpoint_slice(const Object& object, WallTime now, Cells& cells) {
  const auto& slice = kube::as<kube::EndpointSlice>(object);
  std::vector<std::string> ports, addresses;
  for (const kube::EndpointPort& port : slice.ports) {
    ports.push_back(port.port ? std::to_string(*port.port) : "*");
  }
  for (const kube::Endpoint& endpoint : slice.endpoints) {
    addresses.insert(addresses.end(), endpoint.addresses.begin(), endpoint.addresses.end());
  }
  cells.text(slice.metadata.name);
  cells.text(slice.address_type);
  cells.text(with_more(std::move(ports), kShownEndpoints, "<unset>"));
  cells.text(with_more(std::move(addresses), kShownEndpoints, "<unset>"));
  cells.text(age_of(slice.metadata.creation_timestamp, now));
}

constexpr Column kEndpointsColumns[] = {{"Name"}, {"Endpoints"}, {"Age"}};

void print_endpoints(const Object& object, WallTime now, Cells& cells) {
  const auto& all = kube::as<kube::Endpoints>(object);
  std::vector<std::string> shown;
  for (const kube::EndpointSubset& subset : all.subsets) {
    for (const kube::EndpointAddress& address : subset.addresses) {
      if (subset.ports.empty()) shown.push_back(address.ip);
    }
    for (const kube::CoreEndpointPort& port : subset.ports) {
      for (const kube::EndpointAddress& address : subset.addresses)
        shown.push_back(fmt::format("{}:{}", address.ip, port.port));
    }
  }
  cells.text(all.metadata.name);
  cells.text(with_more(std::move(shown), kShownEndpoints, "<none>"));
  cells.text(age_of(all.metadata.creation_timestamp, now));
}

std::string target_text(const kube::MetricSpec& spec, const kube::MetricStatus* status) {
  if (!spec.resource) return "<unknown>";
  const kube::MetricTarget& target = spec.resource->target;
  const kube::MetricValueStatus* current =
      status != nullptr && status->resource ? &status->resource->current : nullptr;
  std::string now = "<unknown>";
  if (target.average_utilization) {
    if (current != nullptr && current->average_utilization)
      now = fmt::format("{}%", *current->average_utilization);
    return fmt::format("{}: {}/{}%", spec.resource->name, now, *target.average_utilization);
  }
  if (current != nullptr && current->average_value) now = current->average_value->to_string();
  const std::string wanted = target.average_value ? target.average_value->to_string() : "<auto>";
  return fmt::format("{}: {}/{}", spec.resource->name, now, wanted);
}

constexpr Column kAutoscalerColumns[] = {
    {"Name"},    {"Reference"},          {"Targets"},
    {"MinPods"}, {"MaxPods", "integer"}, {"Replicas", "integer"},
    {"Age"}};

void print_autoscaler(const Object& object, WallTime now, Cells& cells) {
  const auto& autoscaler = kube::as<kube::HorizontalPodAutoscaler>(object);
  const kube::CrossVersionObjectReference& target = autoscaler.spec.scale_target_ref;
  std::vector<std::string> targets;
  for (std::size_t i = 0; i < autoscaler.spec.metrics.size(); ++i) {
    const auto& current = autoscaler.status.current_metrics;
    targets.push_back(
        target_text(autoscaler.spec.metrics[i], i < current.size() ? &current[i] : nullptr));
  }
  cells.text(autoscaler.metadata.name);
  cells.text(fmt::format("{}/{}", target.kind, target.name));
  cells.text(with_more(std::move(targets), kShownMetrics, "<none>"));
  cells.text(autoscaler.spec.min_replicas ? std::to_string(*autoscaler.spec.min_replicas)
                                          : "<unset>");
  cells.number(autoscaler.spec.max_replicas);
  cells.number(autoscaler.status.current_replicas);
  cells.text(age_of(autoscaler.metadata.creation_timestamp, now));
}

std::string amount(const std::optional<kube::IntOrString>& value) {
  if (!value) return "N/A";
  return value->is_int() ? std::to_string(value->number()) : value->text();
}

constexpr Column kBudgetColumns[] = {
    {"Name"}, {"Min Available"}, {"Max Unavailable"}, {"Allowed Disruptions", "integer"}, {"Age"}};

void print_budget(const Object& object, WallTime now, Cells& cells) {
  const auto& budget = kube::as<kube::PodDisruptionBudget>(object);
  cells.text(budget.metadata.name);
  cells.text(amount(budget.spec.min_available));
  cells.text(amount(budget.spec.max_unavailable));
  cells.number(budget.status.disruptions_allowed);
  cells.text(age_of(budget.metadata.creation_timestamp, now));
}

constexpr Column kLeaseColumns[] = {{"Name"}, {"Holder"}, {"Age"}};

void print_lease(const Object& object, WallTime now, Cells& cells) {
  const auto& lease = kube::as<kube::Lease>(object);
  cells.text(lease.metadata.name);
  cells.text(lease.spec.holder_identity.value_or(""));
  cells.text(age_of(lease.metadata.creation_timestamp, now));
}

constexpr Column kPriorityClassColumns[] = {
    {"Name"}, {"Value", "integer"}, {"Global-Default", "boolean"}, {"Age"}, {"PreemptionPolicy"}};

void print_priority_class(const Object& object, WallTime now, Cells& cells) {
  const auto& priority = kube::as<kube::PriorityClass>(object);
  cells.text(priority.metadata.name);
  cells.number(priority.value);
  cells.text(priority.global_default ? "true" : "false");
  cells.text(age_of(priority.metadata.creation_timestamp, now));
  cells.text(priority.preemption_policy.value_or("PreemptLowerPriority"));
}

}  // namespace

Printer policy_printer(const kube::Kind& kind) {
  if (kind == kube::EndpointSlice::static_kind())
    return {kEndpointSliceColumns, &print_endpoint_slice};
  if (kind == kube::Endpoints::static_kind()) return {kEndpointsColumns, &print_endpoints};
  if (kind == kube::HorizontalPodAutoscaler::static_kind())
    return {kAutoscalerColumns, &print_autoscaler};
  if (kind == kube::PodDisruptionBudget::static_kind()) return {kBudgetColumns, &print_budget};
  if (kind == kube::Lease::static_kind()) return {kLeaseColumns, &print_lease};
  if (kind == kube::PriorityClass::static_kind())
    return {kPriorityClassColumns, &print_priority_class};
  return {};
}

}  // namespace minato::apiserver
