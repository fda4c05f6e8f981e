// coordination, discovery, policy and scheduling.
#include <algorithm>
#include <set>

#include "kube/defaults.h"
#include "kube/types/coordination.h"
#include "kube/types/policy.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

constexpr std::int64_t kHighestUserPriority = 1'000'000'000;
constexpr std::size_t kMaxEndpoints = 1000;
constexpr std::size_t kMaxEndpointPorts = 20'000;
constexpr std::size_t kMaxAddresses = 100;

void validate_lease(const Object& object, FieldErrors& errors) {
  const kube::LeaseSpec& lease = kube::as<kube::Lease>(object).spec;
  const FieldPath spec("spec");
  if (lease.lease_duration_seconds.value_or(1) <= 0) {
    errors.invalid(spec.child("leaseDurationSeconds"), *lease.lease_duration_seconds,
                   "must be greater than 0");
  }
  errors.non_negative(spec.child("leaseTransitions"), lease.lease_transitions.value_or(0));
}

bool endpoint_slice_changed(const Object& before, const Object& after) {
  const auto& old_slice = kube::as<kube::EndpointSlice>(before);
  const auto& slice = kube::as<kube::EndpointSlice>(after);
  return !kube::equal(old_slice.endpoints, slice.endpoints) ||
         !kube::equal(old_slice.ports, slice.ports) ||
         before.metadata.labels != after.metadata.labels ||
         before.metadata.annotations != after.metadata.annotations;
}

void validate_endpoint_slice(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kTypes[] = {"FQDN", "IPv4", "IPv6"};
  constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
  const auto& slice = kube::as<kube::EndpointSlice>(object);
  const FieldPath type("addressType"), endpoints("endpoints"), ports("ports");
  errors.one_of(type, slice.address_type, kTypes);
  if (slice.endpoints.size() > kMaxEndpoints) {
    errors.forbidden(endpoints, "must have at most 1000 items");
  }
  for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
    const FieldPath at = endpoints.index(i);
    const FieldPath addresses = at.child("addresses");
    const std::vector<std::string>& list = slice.endpoints[i].addresses;
    if (list.empty()) errors.required(addresses, "must contain at least 1 address");
    if (list.size() > kMaxAddresses) errors.forbidden(addresses, "must have at most 100 items");
    if (slice.address_type != "IPv4") continue;
    for (std::size_t k = 0; k < list.size(); ++k) {
      errors.grammar(addresses.index(k), list[k], kube::check_ipv4(list[k]));
      if (list[k].starts_with("127."))
        errors.invalid(addresses.index(k), list[k], "may not be in the loopback range");
    }
    if (const auto& host = slice.endpoints[i].hostname)
      errors.grammar(at.child("hostname"), *host, kube::check_dns1123_label(*host));
  }
  if (slice.ports.size() > kMaxEndpointPorts) {
    errors.forbidden(ports, "must have at most 20000 items");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < slice.ports.size(); ++i) {
    const FieldPath at = ports.index(i);
    const FieldPath name = at.child("name");
    if (!names.insert(slice.ports[i].name.value_or("")).second)
      errors.duplicate(name, slice.ports[i].name.value_or(""));
    errors.one_of(at.child("protocol"), slice.ports[i].protocol.value_or(""), kProtocols);
  }
}

void validate_endpoint_slice_update(const Object& before, const Object& after,
                                    FieldErrors& errors) {
  const FieldPath type("addressType");
  const std::string& wanted = kube::as<kube::EndpointSlice>(after).address_type;
  if (kube::as<kube::EndpointSlice>(before).address_type != wanted) {
    errors.invalid(type, wanted, "field is immutable");
  }
}

void validate_budget_amount(const std::optional<kube::IntOrString>& amount, const FieldPath& path,
                            FieldErrors& errors) {
  if (!amount) return;
  if (amount->is_int()) {
    errors.non_negative(path, amount->number());
    return;
  }
  const auto percent = kube::scaled_value(*amount, 100, kube::Rounding::kUp);
  if (!percent) {
    errors.invalid(path, amount->text(),
                   "must be an integer or a percentage (for example '25%')");
  } else if (*percent > 100) {
    errors.invalid(path, amount->text(), "must not be greater than 100%");
  }
}

void validate_budget(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kPolicies[] = {"AlwaysAllow", "IfHealthyBudget"};
  const kube::PodDisruptionBudgetSpec& budget = kube::as<kube::PodDisruptionBudget>(object).spec;
  const FieldPath spec("spec");
  if (budget.min_available && budget.max_unavailable) {
    errors.invalid(spec, "", "minAvailable and maxUnavailable cannot be both set");
  }
  validate_budget_amount(budget.min_available, spec.child("minAvailable"), errors);
  validate_budget_amount(budget.max_unavailable, spec.child("maxUnavailable"), errors);
  if (budget.selector) {
    kube::validate_label_selector(*budget.selector, spec.child("selector"), errors);
  }
  if (budget.unhealthy_pod_eviction_policy) {
    errors.one_of(spec.child("unhealthyPodEvictionPolicy"), *budget.unhealthy_pod_eviction_policy,
                  kPolicies);
  }
}

void validate_budget_status(const Object&, const Object& after, FieldErrors& errors) {
  const kube::PodDisruptionBudgetStatus& budget = kube::as<kube::PodDisruptionBudget>(after).status;
  const FieldPath status("status");
  errors.non_negative(status.child("disruptionsAllowed"), budget.disruptions_allowed);
  errors.non_negative(status.child("currentHealthy"), budget.current_healthy);
  errors.non_negative(status.child("desiredHealthy"), budget.desired_healthy);
  errors.non_negative(status.child("expectedPods"), budget.expected_pods);
}

bool is_system_class(std::string_view name, std::int32_t value) {
  return (name == "system-cluster-critical" && value == 2'000'000'000) ||
         (name == "system-node-critical" && value == 2'000'001'000);
}

bool never_changes(const Object&, const Object&) { return false; }

void validate_priority_class(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kPolicies[] = {"Never", "PreemptLowerPriority"};
  const auto& priority_class = kube::as<kube::PriorityClass>(object);
  const FieldPath value("value"), metadata("metadata"), policy("preemptionPolicy");
  const std::string& name = priority_class.metadata.name;
  const bool is_system = is_system_class(name, priority_class.value);
  if (!is_system && priority_class.value > kHighestUserPriority) {
    errors.forbidden(value, "maximum allowed value of a user defined priority is 1000000000");
  }
  if (!is_system && name.starts_with("system-")) {
    errors.forbidden(metadata.child("name"),
                     "priority class names with 'system-' prefix are reserved for system use only");
  }
  errors.one_of(policy, priority_class.preemption_policy.value_or(""), kPolicies);
}

void validate_priority_class_update(const Object& before, const Object& after,
                                    FieldErrors& errors) {
  const auto& old_class = kube::as<kube::PriorityClass>(before);
  const auto& priority_class = kube::as<kube::PriorityClass>(after);
  const FieldPath value("value"), policy("preemptionPolicy");
  if (old_class.value != priority_class.value) {
    errors.forbidden(value, "may not be changed in an update.");
  }
  if (old_class.preemption_policy != priority_class.preemption_policy) {
    errors.invalid(policy, priority_class.preemption_policy.value_or(""), "field is immutable");
  }
}

}  // namespace

Strategy lease_strategy() {
  Strategy out = make_strategy<kube::Lease>();
  out.empty_version = EmptyVersion::kRefused;
  out.validate = &validate_lease;
  return out;
}

Strategy endpoint_slice_strategy() {
  Strategy out = make_strategy<kube::EndpointSlice>();
  out.changes_generation = &endpoint_slice_changed;
  out.set_defaults = &defaults_of<kube::EndpointSlice>;
  out.validate = &validate_endpoint_slice;
  out.validate_update = &validate_endpoint_slice_update;
  return out;
}

Strategy pod_disruption_budget_strategy() {
  Strategy out = make_strategy<kube::PodDisruptionBudget>();
  out.empty_version = EmptyVersion::kRefused;
  out.changes_generation = &spec_changed<kube::PodDisruptionBudget>;
  out.validate = &validate_budget;
  out.validate_status = &validate_budget_status;
  return out;
}

Strategy priority_class_strategy() {
  Strategy out = make_strategy<kube::PriorityClass>();
  out.changes_generation = &never_changes;
  out.set_defaults = &defaults_of<kube::PriorityClass>;
  out.validate = &validate_priority_class;
  out.validate_update = &validate_priority_class_update;
  return out;
}

}  // namespace minato::registry
