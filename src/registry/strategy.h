// What differs between kinds: one table entry each. Registry runs the same course for all kinds and
// calls these hooks on the way; an absent (null) hook does nothing.
//
// Thread-safe: immutable tables. Errors are collected in kube::FieldErrors and become one Invalid.
// Rules: k8s.io/kubernetes pkg/registry/*/*/strategy.go and pkg/apis/*/validation.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kube/defaults.h"
#include "kube/object.h"
#include "kube/validation.h"

namespace minato::registry {

// A field that list and watch requests may select by.
struct FieldSelectorEntry {
  std::string_view name;
  std::string (*value)(const kube::Object& object) = nullptr;
};

// Status in a create: reset for most kinds; a Node is registered with the one its kubelet knows.
enum class FirstStatus { kReset, kAsGiven };
enum class EmptyVersion { kOverwrites, kRefused };  // An update without resourceVersion.

struct Strategy {
  const kube::Kind* kind = nullptr;  // Null: of custom kinds.
  kube::NameRule name_rule = &kube::check_dns1123_subdomain;
  FirstStatus first_status = FirstStatus::kReset;
  EmptyVersion empty_version = EmptyVersion::kOverwrites;

  // Filled by make_strategy() from the type.
  void (*copy_status)(const kube::Object& from, kube::Object& to) = nullptr;  // Null: no status.
  bool (*equal)(const kube::Object& a, const kube::Object& b) = nullptr;

  // True when the change is one that metadata.generation counts. Null: the kind has no generation.
  bool (*changes_generation)(const kube::Object& before, const kube::Object& after) = nullptr;
  void (*set_defaults)(kube::Object& object) = nullptr;
  // Sets what only the server may: the first status, for example.
  void (*prepare_create)(kube::Object& object) = nullptr;
  // Takes back what an update of the object itself may not touch.
  void (*prepare_update)(const kube::Object& before, kube::Object& after) = nullptr;
  // The same for an update of status.
  void (*prepare_status)(const kube::Object& before, kube::Object& after) = nullptr;
  void (*validate)(const kube::Object& object, kube::FieldErrors& errors) = nullptr;
  void (*validate_create)(const kube::Object& object, kube::FieldErrors& errors) = nullptr;
  void (*validate_update)(const kube::Object& before, const kube::Object& after,
                          kube::FieldErrors& errors) = nullptr;
  void (*validate_status)(const kube::Object& before, const kube::Object& after,
                          kube::FieldErrors& errors) = nullptr;
  std::span<const FieldSelectorEntry> fields;  // Beside metadata.name and metadata.namespace.
};

// Null: not served. All custom kinds share a few, which go by the object's own kind.
const Strategy* find_strategy(const kube::Kind& kind);

// The entries, one function per kind, grouped in files by API group.
const Strategy& custom_strategy(const kube::Kind& kind);
Strategy config_map_strategy();
Strategy custom_resource_definition_strategy();
Strategy event_strategy();
Strategy namespace_strategy();
Strategy node_strategy();
Strategy pod_strategy();
Strategy secret_strategy();
Strategy service_strategy();
Strategy service_account_strategy();
Strategy daemon_set_strategy();
Strategy deployment_strategy();
Strategy replica_set_strategy();
Strategy horizontal_pod_autoscaler_strategy();
Strategy lease_strategy();
Strategy network_policy_strategy();
Strategy endpoint_slice_strategy();
Strategy pod_disruption_budget_strategy();
Strategy priority_class_strategy();
// Of kinds that nothing here acts on.
Strategy replication_controller_strategy();
Strategy pod_template_strategy();
Strategy endpoints_strategy();
Strategy stateful_set_strategy();
Strategy job_strategy();
Strategy cron_job_strategy();
Strategy claim_strategy();
Strategy storage_class_strategy();
Strategy limit_range_strategy();
Strategy resource_quota_strategy();
Strategy ingress_strategy();
// Kinds that are stored with what every object has: metadata rules, generation, status.
std::vector<Strategy> stored_strategies();
Strategy role_strategy();
Strategy cluster_role_strategy();
Strategy role_binding_strategy();
Strategy cluster_role_binding_strategy();

template <class T>
T& mutable_as(kube::Object& object) {
  return static_cast<T&>(object);
}

template <class T>
void defaults_of(kube::Object& object) {
  kube::set_defaults(mutable_as<T>(object));
}

template <class T>
Strategy make_strategy() {
  Strategy out;
  out.kind = &T::static_kind();
  out.equal = [](const kube::Object& a, const kube::Object& b) {
    return kube::equal(kube::as<T>(a), kube::as<T>(b));
  };
  if constexpr (requires(T& object) { object.status; }) {
    out.copy_status = [](const kube::Object& from, kube::Object& to) {
      mutable_as<T>(to).status = kube::as<T>(from).status;
    };
  }
  return out;
}

// For kinds whose generation counts changes of spec.
template <class T>
bool spec_changed(const kube::Object& before, const kube::Object& after) {
  return !kube::equal(kube::as<T>(before).spec, kube::as<T>(after).spec);
}

}  // namespace minato::registry
