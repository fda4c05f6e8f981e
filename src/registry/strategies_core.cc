// core/v1 apart from Pod and Service.
#include "base/strings.h"
#include "kube/defaults.h"
#include "kube/json.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

constexpr std::size_t kMaxDataBytes = 1 << 20;  // Of one ConfigMap or Secret.

std::size_t size_of(const std::string& text) { return text.size(); }
std::size_t size_of(const kube::Bytes& bytes) { return bytes.data.size(); }

template <class Data>
std::size_t validate_data(const Data& data, const FieldPath& path, FieldErrors& errors) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : data) {
    errors.grammar(path.key(key), key, kube::check_config_key(key));
    bytes += size_of(value);
  }
  return bytes;
}

// Once immutable, an object and its being immutable stay.
template <class T>
bool frozen_and_changed(const T& before, const T& after, FieldErrors& errors) {
  if (!before.immutable.value_or(false)) return false;
  const FieldPath immutable("immutable"), data("data");
  if (!after.immutable.value_or(false)) {
    errors.forbidden(immutable, "field is immutable when `immutable` is set");
  }
  if (!kube::equal(before.data, after.data)) {
    errors.forbidden(data, "field is immutable when `immutable` is set");
  }
  return true;
}

void validate_config_map(const Object& object, FieldErrors& errors) {
  const auto& config = kube::as<kube::ConfigMap>(object);
  const FieldPath data("data"), binary("binaryData");
  const std::size_t bytes =
      validate_data(config.data, data, errors) + validate_data(config.binary_data, binary, errors);
  for (const auto& [key, value] : config.binary_data) {
    if (config.data.contains(key)) {
      errors.invalid(data.key(key), key, "duplicate of key present in binaryData");
    }
  }
  if (bytes > kMaxDataBytes) errors.too_long(data, kMaxDataBytes);
}

void validate_config_map_update(const Object& before, const Object& after, FieldErrors& errors) {
  const auto& old_config = kube::as<kube::ConfigMap>(before);
  const auto& config = kube::as<kube::ConfigMap>(after);
  if (!frozen_and_changed(old_config, config, errors)) return;
  const FieldPath binary("binaryData");
  if (!kube::equal(old_config.binary_data, config.binary_data)) {
    errors.forbidden(binary, "field is immutable when `immutable` is set");
  }
}

// What Secrets of well-known types have to have; of several names one or the other.
struct SecretShape {
  std::string_view type;
  std::string_view key;
};
constexpr SecretShape kSecretShapes[] = {{"kubernetes.io/dockercfg", ".dockercfg"},
                                         {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
                                         {"kubernetes.io/ssh-auth", "ssh-privatekey"},
                                         {"kubernetes.io/tls", "tls.crt"},
                                         {"kubernetes.io/tls", "tls.key"}};

void validate_secret_type(const kube::Secret& secret, const FieldPath& data, FieldErrors& errors) {
  constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
  const auto has = [&](std::string_view key) { return secret.data.contains(std::string(key)); };
  for (const SecretShape& shape : kSecretShapes) {
    if (secret.type == shape.type && !has(shape.key)) errors.required(data.key(shape.key));
  }
  if (secret.type == "kubernetes.io/basic-auth" && !has("username") && !has("password")) {
    errors.required(data.key("username"));
    errors.required(data.key("password"));
  }
  const FieldPath annotations("metadata.annotations");
  if (secret.type == "kubernetes.io/service-account-token" &&
      !secret.metadata.annotations.contains(std::string(kAccount)))
    errors.required(annotations.key(kAccount));
  if (secret.type != "kubernetes.io/dockerconfigjson" || !has(".dockerconfigjson")) return;
  if (!kube::parse_json(secret.data.at(".dockerconfigjson").data))
    errors.invalid(data.key(".dockerconfigjson"), "<secret contents redacted>", "is not JSON");
}

void validate_secret(const Object& object, FieldErrors& errors) {
  const FieldPath data("data");
  validate_secret_type(kube::as<kube::Secret>(object), data, errors);
  if (validate_data(kube::as<kube::Secret>(object).data, data, errors) > kMaxDataBytes) {
    errors.too_long(data, kMaxDataBytes);
  }
}

void validate_secret_update(const Object& before, const Object& after, FieldErrors& errors) {
  const auto& old_secret = kube::as<kube::Secret>(before);
  const auto& secret = kube::as<kube::Secret>(after);
  const FieldPath type("type");
  if (old_secret.type != secret.type) errors.invalid(type, secret.type, "field is immutable");
  frozen_and_changed(old_secret, secret, errors);
}

void prepare_namespace(Object& object) {
  auto& name_space = mutable_as<kube::Namespace>(object);
  name_space.status.phase = "Active";
  name_space.spec.finalizers = {"kubernetes"};
}

// Only the finalize subresource changes them.
void keep_namespace_finalizers(const Object& before, Object& after) {
  mutable_as<kube::Namespace>(after).spec.finalizers =
      kube::as<kube::Namespace>(before).spec.finalizers;
}

void validate_taints(const std::vector<kube::Taint>& taints, const FieldPath& path,
                     FieldErrors& errors) {
  constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < taints.size(); ++i) {
    const kube::Taint& taint = taints[i];
    const FieldPath at = path.index(i);
    errors.grammar(at.child("key"), taint.key, kube::check_qualified_name(taint.key));
    errors.grammar(at.child("value"), taint.value, kube::check_label_value(taint.value));
    errors.one_of(at.child("effect"), taint.effect, kEffects);
    if (++seen[taint.key + ":" + taint.effect] > 1) errors.duplicate(at, taint.key);
  }
}

void validate_amounts(const std::map<std::string, kube::Quantity>& amounts, const FieldPath& path,
                      FieldErrors& errors) {
  for (const auto& [name, amount] : amounts) {
    if (amount < kube::Quantity()) {
      errors.invalid(path.key(name), amount.to_string(), "must be greater than or equal to 0");
    }
  }
}

// "10.9.8.0/24".
bool is_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto bits = parse_int(text.substr(slash + 1));
  const bool is_v6 = text.find(':') != std::string_view::npos;
  return bits && *bits >= 0 && *bits <= (is_v6 ? 128 : 32) &&
         (is_v6 || kube::check_ipv4(text.substr(0, slash)).empty());
}

void validate_node(const Object& object, FieldErrors& errors) {
  const auto& node = kube::as<kube::Node>(object);
  const FieldPath spec("spec"), status("status");
  validate_taints(node.spec.taints, spec.child("taints"), errors);
  // Upstream names the list, which the one stands for.
  const FieldPath ranges = spec.child("podCIDRs");
  if (!node.spec.pod_cidr.empty() && !is_range(node.spec.pod_cidr))
    errors.invalid(ranges.index(0), node.spec.pod_cidr, "must be a valid CIDR value");
  validate_amounts(node.status.capacity, status.child("capacity"), errors);
  validate_amounts(node.status.allocatable, status.child("allocatable"), errors);
}

void validate_node_update(const Object& before, const Object& after, FieldErrors& errors) {
  const auto& old_node = kube::as<kube::Node>(before);
  const auto& node = kube::as<kube::Node>(after);
  const FieldPath spec("spec");
  if (!old_node.spec.provider_id.empty() && node.spec.provider_id != old_node.spec.provider_id) {
    errors.forbidden(spec.child("providerID"), "node updates may not change providerID except from "
                                               "\"\" to valid");
  }
  if (!old_node.spec.pod_cidr.empty() && node.spec.pod_cidr != old_node.spec.pod_cidr) {
    errors.forbidden(spec.child("podCIDRs"), "node updates may not change podCIDR except from \"\" "
                                             "to valid");
  }
}

void validate_event(const Object& object, FieldErrors& errors) {
  const auto& event = kube::as<kube::Event>(object);
  const FieldPath involved("involvedObject");
  const std::string& space = event.involved_object.namespace_;
  // Events about objects without a namespace live in "default".
  const bool matches = space.empty() ? event.metadata.namespace_ == "default" ||
                                           event.metadata.namespace_ == "kube-system"
                                     : space == event.metadata.namespace_;
  if (!matches) {
    errors.invalid(involved.child("namespace"), space, "does not match event.namespace");
  }
}

constexpr FieldSelectorEntry kEventFields[] = {
    {"involvedObject.kind",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.kind; }},
    {"involvedObject.namespace",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.namespace_; }},
    {"involvedObject.name",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.name; }},
    {"involvedObject.uid",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.uid; }},
    {"involvedObject.apiVersion",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.api_version; }},
    {"involvedObject.resourceVersion",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.resource_version; }},
    {"involvedObject.fieldPath",
     [](const Object& o) { return kube::as<kube::Event>(o).involved_object.field_path; }},
    {"reason", [](const Object& o) { return kube::as<kube::Event>(o).reason; }},
    {"reportingComponent",
     [](const Object& o) { return kube::as<kube::Event>(o).reporting_component; }},
    {"source", [](const Object& o) { return kube::as<kube::Event>(o).source.component; }},
    {"type", [](const Object& o) { return kube::as<kube::Event>(o).type; }},
};
constexpr FieldSelectorEntry kSecretFields[] = {
    {"type", [](const Object& o) { return kube::as<kube::Secret>(o).type; }},
};
constexpr FieldSelectorEntry kNamespaceFields[] = {
    {"status.phase", [](const Object& o) { return kube::as<kube::Namespace>(o).status.phase; }},
};
constexpr FieldSelectorEntry kNodeFields[] = {
    {"spec.unschedulable",
     [](const Object& o) {
       return std::string(kube::as<kube::Node>(o).spec.unschedulable ? "true" : "false");
     }},
};

}  // namespace

Strategy config_map_strategy() {
  Strategy out = make_strategy<kube::ConfigMap>();
  out.validate = &validate_config_map;
  out.validate_update = &validate_config_map_update;
  return out;
}

Strategy event_strategy() {
  Strategy out = make_strategy<kube::Event>();
  out.validate = &validate_event;
  out.fields = kEventFields;
  return out;
}

Strategy namespace_strategy() {
  Strategy out = make_strategy<kube::Namespace>();
  out.name_rule = &kube::check_dns1123_label;
  out.set_defaults = &defaults_of<kube::Namespace>;
  out.prepare_create = &prepare_namespace;
  out.prepare_update = &keep_namespace_finalizers;
  out.fields = kNamespaceFields;
  return out;
}

Strategy node_strategy() {
  Strategy out = make_strategy<kube::Node>();
  out.first_status = FirstStatus::kAsGiven;
  out.set_defaults = &defaults_of<kube::Node>;
  out.validate = &validate_node;
  out.validate_update = &validate_node_update;
  out.fields = kNodeFields;
  return out;
}

Strategy secret_strategy() {
  Strategy out = make_strategy<kube::Secret>();
  out.set_defaults = &defaults_of<kube::Secret>;
  out.validate = &validate_secret;
  out.validate_update = &validate_secret_update;
  out.fields = kSecretFields;
  return out;
}

Strategy service_account_strategy() { return make_strategy<kube::ServiceAccount>(); }

}  // namespace minato::registry
