// Claims, StorageClasses, quotas and Ingresses: nothing here acts on them, but what is stored is
// what upstream would store.
// Rules: k8s.io/kubernetes pkg/apis/{core,storage,networking}, defaults.go and validation.go.
#include <fmt/format.h>

#include <algorithm>

#include "kube/types/networking.h"
#include "kube/types/persistent.h"
#include "kube/types/quota.h"
#include "kube/types/storage.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

void claim_defaults(Object& object) {
  auto& mode = mutable_as<kube::PersistentVolumeClaim>(object).spec.volume_mode;
  if (!mode) mode = "Filesystem";
}

void claim_is_pending(Object& object) {
  mutable_as<kube::PersistentVolumeClaim>(object).status.phase = "Pending";
}

void validate_claim(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kAccess[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                          "ReadWriteOncePod"};
  constexpr std::string_view kModes[] = {"Block", "Filesystem"};
  const kube::PersistentVolumeClaimSpec& claim = kube::as<kube::PersistentVolumeClaim>(object).spec;
  const FieldPath spec("spec");
  const FieldPath access = spec.child("accessModes"), resources = spec.child("resources");
  const FieldPath amount = resources.key("storage"), storage_class = spec.child("storageClassName");
  if (claim.access_modes.empty()) errors.required(access, "at least 1 access mode is required");
  for (const std::string& mode : claim.access_modes) errors.one_of(access, mode, kAccess);
  const auto asked = claim.resources.requests.find("storage");
  if (asked == claim.resources.requests.end()) {
    errors.required(amount);
  } else if (asked->second <= kube::Quantity()) {
    errors.invalid(amount, asked->second.to_string(), "must be greater than zero");
  }
  if (const std::string name = claim.storage_class_name.value_or(""); !name.empty())
    errors.grammar(storage_class, name, kube::check_dns1123_subdomain(name));
  if (claim.volume_mode) errors.one_of(spec.child("volumeMode"), *claim.volume_mode, kModes);
  if (claim.selector) kube::validate_label_selector(*claim.selector, spec.child("selector"), errors);
}

void storage_class_defaults(Object& object) {
  auto& storage = mutable_as<kube::StorageClass>(object);
  if (!storage.reclaim_policy) storage.reclaim_policy = "Delete";
  if (!storage.volume_binding_mode) storage.volume_binding_mode = "Immediate";
}

void validate_storage_class(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kPolicies[] = {"Delete", "Retain"};
  constexpr std::string_view kBindings[] = {"Immediate", "WaitForFirstConsumer"};
  const auto& storage = kube::as<kube::StorageClass>(object);
  const FieldPath provisioner("provisioner"), parameters("parameters"), policy("reclaimPolicy"),
      binding("volumeBindingMode");
  if (storage.provisioner.empty()) {
    errors.required(provisioner);
  } else {
    errors.grammar(provisioner, storage.provisioner, kube::check_qualified_name(storage.provisioner));
  }
  if (storage.parameters.contains("")) errors.invalid(parameters, "", "field can not be empty");
  errors.one_of(policy, storage.reclaim_policy.value_or(""), kPolicies);
  errors.one_of(binding, storage.volume_binding_mode.value_or(""), kBindings);
}

void validate_storage_class_update(const Object& before, const Object& after, FieldErrors& errors) {
  const auto& was = kube::as<kube::StorageClass>(before);
  const auto& wanted = kube::as<kube::StorageClass>(after);
  const FieldPath parameters("parameters"), provisioner("provisioner"), policy("reclaimPolicy"),
      binding("volumeBindingMode");
  if (was.parameters != wanted.parameters)
    errors.forbidden(parameters, "updates to parameters are forbidden");
  if (was.provisioner != wanted.provisioner)
    errors.forbidden(provisioner, "updates to provisioner are forbidden");
  if (was.reclaim_policy != wanted.reclaim_policy)
    errors.forbidden(policy, "updates to reclaimPolicy are forbidden");
  if (was.volume_binding_mode != wanted.volume_binding_mode)
    errors.invalid(binding, wanted.volume_binding_mode.value_or(""), "field is immutable");
}

void validate_limit(const kube::LimitRangeItem& limit, const FieldPath& path, FieldErrors& errors) {
  errors.grammar(path.child("type"), limit.type, kube::check_qualified_name(limit.type));
  const FieldPath lowest = path.child("min");
  if (limit.type == "Pod") {
    const auto refuse = [&](bool is_set, std::string_view field) {
      if (is_set) errors.forbidden(path.child(field), "may not be specified when `type` is 'Pod'");
    };
    refuse(!limit.default_.empty(), "default");
    refuse(!limit.default_request.empty(), "defaultRequest");
  }
  for (const auto& [name, amount] : limit.min) {
    const auto most = limit.max.find(name);
    if (most == limit.max.end() || amount <= most->second) continue;
    errors.invalid(lowest.key(name), amount.to_string(),
                   fmt::format("min value {} is greater than max value {}", amount.to_string(),
                               most->second.to_string()));
  }
}

void validate_limit_range(const Object& object, FieldErrors& errors) {
  const auto& limits = kube::as<kube::LimitRange>(object).spec.limits;
  const FieldPath path("spec.limits");
  for (std::size_t i = 0; i < limits.size(); ++i) validate_limit(limits[i], path.index(i), errors);
}

bool is_counted(std::string_view name) {
  constexpr std::string_view kCounted[] = {
      "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
      "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
      "pods", "resourcequotas", "services", "replicationcontrollers", "secrets",
      "persistentvolumeclaims", "configmaps", "services.nodeports", "services.loadbalancers"};
  return name.find('/') != std::string_view::npos || name.starts_with("requests.hugepages-") ||
         name.starts_with("hugepages-") || std::ranges::find(kCounted, name) != std::end(kCounted);
}

bool is_whole(std::string_view name) {
  constexpr std::string_view kWhole[] = {
      "pods", "resourcequotas", "services", "replicationcontrollers", "secrets",
      "persistentvolumeclaims", "configmaps", "services.nodeports", "services.loadbalancers"};
  return name.starts_with("count/") || std::ranges::find(kWhole, name) != std::end(kWhole);
}

void validate_quota(const Object& object, FieldErrors& errors) {
  constexpr std::string_view kScopes[] = {"Terminating", "NotTerminating", "BestEffort",
                                          "NotBestEffort", "PriorityClass",
                                          "CrossNamespacePodAffinity", "VolumeAttributesClass"};
  const kube::ResourceQuotaSpec& quota = kube::as<kube::ResourceQuota>(object).spec;
  const FieldPath hard("spec.hard"), scopes("spec.scopes");
  for (const auto& [name, amount] : quota.hard) {
    const FieldPath at = hard.key(name);
    errors.grammar(at, name, kube::check_qualified_name(name));
    if (!is_counted(name)) {
      errors.invalid(at, name, "must be a standard resource type or fully qualified");
      errors.invalid(at, name, "must be a standard resource for quota");
    }
    if (amount < kube::Quantity())
      errors.invalid(at, amount.to_string(), "must be greater than or equal to 0");
    if (is_whole(name) && amount != kube::Quantity::of(amount.value()))
      errors.invalid(at, amount.to_string(), "must be an integer");
  }
  for (const std::string& scope : quota.scopes) {
    if (std::ranges::find(kScopes, scope) == std::end(kScopes))
      errors.invalid(scopes, scope, "unsupported scope");
  }
}

void validate_backend(const kube::IngressBackend& backend, const FieldPath& path,
                      FieldErrors& errors) {
  if (!backend.service == !backend.resource) {
    errors.invalid(path, "", backend.service ? "cannot set both resource and service backends"
                                             : "resource or service backend is required");
    return;
  }
  if (!backend.service) return;
  const FieldPath service = path.child("service");
  const FieldPath name = service.child("name"), port = service.child("port");
  if (backend.service->name.empty()) {
    errors.required(name);
  } else {
    errors.grammar(name, backend.service->name, kube::check_dns1035_label(backend.service->name));
  }
  // Upstream names the backend here, not the port.
  const kube::ServiceBackendPort& target = backend.service->port;
  if (target.name.empty() && target.number == 0) {
    errors.required(path, "port name or number is required");
  } else if (!target.name.empty() && target.number != 0) {
    errors.invalid(path, "", "cannot set both port name & port number");
  } else if (!target.name.empty()) {
    errors.grammar(port.child("name"), target.name, kube::check_port_name(target.name));
  } else {
    errors.port(port.child("number"), target.number);
  }
}

void validate_host(const std::string& host, const FieldPath& path, FieldErrors& errors) {
  if (host.empty()) return;
  const bool is_wildcard = host.starts_with("*.");
  errors.grammar(path, host,
                 kube::check_dns1123_subdomain(is_wildcard ? std::string_view(host).substr(2)
                                                           : std::string_view(host)));
}

void validate_ingress_path(const kube::HTTPIngressPath& one, const FieldPath& path,
                           FieldErrors& errors) {
  constexpr std::string_view kTypes[] = {"Exact", "ImplementationSpecific", "Prefix"};
  const FieldPath type = path.child("pathType"), at = path.child("path");
  if (!one.path_type) {
    errors.required(type, "pathType must be specified");
  } else if (std::ranges::find(kTypes, *one.path_type) == std::end(kTypes)) {
    errors.not_supported(type, *one.path_type, kTypes);
  } else if (*one.path_type != "ImplementationSpecific" || !one.path.empty()) {
    if (!one.path.starts_with('/')) errors.invalid(at, one.path, "must be an absolute path");
  }
  validate_backend(one.backend, path.child("backend"), errors);
}

void validate_ingress(const Object& object, FieldErrors& errors) {
  const kube::IngressSpec& ingress = kube::as<kube::Ingress>(object).spec;
  const FieldPath spec("spec");
  const FieldPath rules = spec.child("rules"), tls = spec.child("tls");
  if (ingress.rules.empty() && !ingress.default_backend)
    errors.invalid(spec, "", "either `defaultBackend` or `rules` must be specified");
  if (ingress.default_backend)
    validate_backend(*ingress.default_backend, spec.child("defaultBackend"), errors);
  for (std::size_t i = 0; i < ingress.tls.size(); ++i) {
    const FieldPath at = tls.index(i);
    const FieldPath hosts = at.child("hosts");
    for (std::size_t k = 0; k < ingress.tls[i].hosts.size(); ++k)
      validate_host(ingress.tls[i].hosts[k], hosts.index(k), errors);
  }
  for (std::size_t i = 0; i < ingress.rules.size(); ++i) {
    const FieldPath at = rules.index(i);
    const FieldPath paths = at.child("http.paths");
    validate_host(ingress.rules[i].host, at.child("host"), errors);
    const auto& http = ingress.rules[i].ingress_rule_value.http;
    if (!http) continue;
    if (http->paths.empty()) errors.required(paths);
    for (std::size_t k = 0; k < http->paths.size(); ++k)
      validate_ingress_path(http->paths[k], paths.index(k), errors);
  }
}

}  // namespace

Strategy claim_strategy() {
  Strategy out = make_strategy<kube::PersistentVolumeClaim>();
  out.set_defaults = &claim_defaults;
  out.prepare_create = &claim_is_pending;
  out.validate = &validate_claim;
  return out;
}

Strategy storage_class_strategy() {
  Strategy out = make_strategy<kube::StorageClass>();
  out.set_defaults = &storage_class_defaults;
  out.validate = &validate_storage_class;
  out.validate_update = &validate_storage_class_update;
  return out;
}

Strategy limit_range_strategy() {
  Strategy out = make_strategy<kube::LimitRange>();
  out.validate = &validate_limit_range;
  return out;
}

Strategy resource_quota_strategy() {
  Strategy out = make_strategy<kube::ResourceQuota>();
  out.validate = &validate_quota;
  return out;
}

Strategy ingress_strategy() {
  Strategy out = make_strategy<kube::Ingress>();
  out.changes_generation = &spec_changed<kube::Ingress>;
  out.validate = &validate_ingress;
  return out;
}

}  // namespace minato::registry
