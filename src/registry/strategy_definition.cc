// CustomResourceDefinitions. Rules: k8s.io/apiextensions-apiserver
// pkg/apis/apiextensions/validation/validation.go.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "base/strings.h"
#include "kube/json.h"
#include "kube/json_path.h"
#include "kube/schema.h"
#include "kube/types/custom_resource.h"
#include "registry/strategy.h"

namespace minato::registry {

namespace json = boost::json;
using kube::CustomResourceDefinition;
using kube::CustomResourceDefinitionNames;
using kube::CustomResourceDefinitionVersion;
using kube::FieldErrors;
using kube::FieldPath;

namespace {

constexpr std::string_view kApproved = "api-approved.kubernetes.io";

void set_defaults(kube::Object& object) {
  auto& spec = mutable_as<CustomResourceDefinition>(object).spec;
  if (spec.names.singular.empty()) spec.names.singular = to_lower(spec.names.kind);
  if (spec.names.list_kind.empty() && !spec.names.kind.empty())
    spec.names.list_kind = spec.names.kind + "List";
  if (spec.conversion.ensure().strategy.empty()) spec.conversion->strategy = "None";
}

void validate_names(const CustomResourceDefinitionNames& names, const FieldPath& path,
                    FieldErrors& errors) {
  const FieldPath plural = path.child("plural"), singular = path.child("singular"),
                  kind = path.child("kind"), list_kind = path.child("listKind"),
                  short_names = path.child("shortNames"), categories = path.child("categories");
  const auto label = [&](const FieldPath& at, const std::string& name) {
    if (name.empty()) return errors.required(at);
    errors.grammar(at, name, kube::check_dns1035_label(name));
  };
  label(plural, names.plural);
  label(singular, names.singular);
  for (const auto& [at, name] : {std::pair(&kind, &names.kind), std::pair(&list_kind, &names.list_kind)}) {
    if (name->empty()) {
      errors.required(*at);
    } else {
      errors.grammar(*at, *name, kube::check_dns1035_label(to_lower(*name)));
    }
  }
  if (!names.kind.empty() && names.kind == names.list_kind)
    errors.invalid(list_kind, names.list_kind, "kind and listKind may not be the same");
  for (std::size_t i = 0; i < names.short_names.size(); ++i)
    label(short_names.index(i), names.short_names[i]);
  for (std::size_t i = 0; i < names.categories.size(); ++i)
    label(categories.index(i), names.categories[i]);
}

// What of the whole object is the server's to say.
void validate_root(const json::object& root, const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kAbout[] = {"description", "properties", "type"};
  constexpr std::string_view kNamed[] = {"generateName", "name"};
  const FieldPath properties = path.child("properties");
  const FieldPath metadata = properties.key("metadata");
  if (root.contains("additionalProperties"))
    errors.forbidden(path.child("additionalProperties"), "must not be used at the root");
  const json::value* members = root.if_contains("properties");
  const json::value* described = members != nullptr && members->is_object()
                                     ? members->get_object().if_contains("metadata")
                                     : nullptr;
  if (described == nullptr || !described->is_object()) return;
  const auto has_only = [](const json::object& object, std::span<const std::string_view> names) {
    return std::ranges::all_of(object, [&](const auto& member) {
      return std::ranges::find(names, std::string_view(member.key())) != names.end();
    });
  };
  const json::value* inner = described->get_object().if_contains("properties");
  const bool names_only =
      inner == nullptr || (inner->is_object() && has_only(inner->get_object(), kNamed));
  if (!has_only(described->get_object(), kAbout) || !names_only) {
    errors.forbidden(metadata, "must not specify anything other than name and generateName, but "
                               "metadata is implicitly specified");
  }
}

void validate_schema(const CustomResourceDefinitionVersion& version, const FieldPath& path,
                     FieldErrors& errors) {
  const FieldPath schema = path.child("schema");
  const FieldPath text = schema.child("openAPIV3Schema");
  if (!version.schema || !version.schema->open_api_v3_schema)
    return errors.required(text, "schemas are required");
  const auto parsed = kube::parse_json(version.schema->open_api_v3_schema->text);
  if (!parsed) return errors.invalid(text, "", parsed.error().message);
  kube::read_schema(*parsed, text, errors);
  if (const auto* root = parsed->if_object()) validate_root(*root, text, errors);
}

void validate_columns(const CustomResourceDefinitionVersion& version, const FieldPath& path,
                      FieldErrors& errors) {
  constexpr std::string_view kTypes[] = {"boolean", "date", "integer", "number", "string"};
  const FieldPath all = path.child("additionalPrinterColumns");
  for (std::size_t i = 0; i < version.additional_printer_columns.size(); ++i) {
    const kube::CustomResourceColumnDefinition& column = version.additional_printer_columns[i];
    const FieldPath at = all.index(i);
    if (column.name.empty()) errors.required(at.child("name"));
    errors.one_of(at.child("type"), column.type, kTypes);
    const FieldPath json_path = at.child("jsonPath");
    if (column.json_path.empty()) {
      errors.required(json_path);
    } else if (const auto parsed = kube::JsonPath::parse(column.json_path);
               !parsed || !column.json_path.starts_with('.')) {
      errors.invalid(json_path, column.json_path,
                     parsed ? "must begin with '.'" : parsed.error().message);
    }
  }
}

void validate_scale(const CustomResourceDefinitionVersion& version, const FieldPath& path,
                    FieldErrors& errors) {
  if (!version.subresources || !version.subresources->scale) return;
  const kube::CustomResourceSubresourceScale& scale = *version.subresources->scale;
  const FieldPath subresources = path.child("subresources");
  const FieldPath at = subresources.child("scale");
  const auto check = [&](std::string_view name, const std::string& text,
                         std::initializer_list<std::string_view> roots) {
    const FieldPath child = at.child(name);
    if (text.empty()) return errors.required(child);
    const auto parsed = kube::JsonPath::parse(text);
    const bool rooted = std::ranges::any_of(roots, [&](std::string_view root) {
      return text.starts_with(fmt::format(".{}.", root));
    });
    if (!parsed || !parsed->is_simple() || !rooted) {
      errors.invalid(child, text, fmt::format("should be a json path under .{}",
                                              fmt::join(roots.begin(), roots.end(), " or .")));
    }
  };
  check("specReplicasPath", scale.spec_replicas_path, {"spec"});
  check("statusReplicasPath", scale.status_replicas_path, {"status"});
  if (scale.label_selector_path)
    check("labelSelectorPath", *scale.label_selector_path, {"spec", "status"});
}

void validate_versions(const kube::CustomResourceDefinitionSpec& spec, const FieldPath& path,
                       FieldErrors& errors) {
  const FieldPath versions = path.child("versions");
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < spec.versions.size(); ++i) {
    const CustomResourceDefinitionVersion& version = spec.versions[i];
    const FieldPath at = versions.index(i);
    const FieldPath name = at.child("name");
    errors.grammar(name, version.name, kube::check_dns1035_label(version.name));
    if (std::ranges::find(seen, version.name) != seen.end()) errors.duplicate(name, version.name);
    seen.push_back(version.name);
    validate_schema(version, at, errors);
    validate_columns(version, at, errors);
    validate_scale(version, at, errors);
    if (version.deprecation_warning && !version.deprecated) {
      errors.invalid(at.child("deprecationWarning"), *version.deprecation_warning,
                     "can only be set for deprecated versions");
    }
  }
  if (std::ranges::count_if(spec.versions, &CustomResourceDefinitionVersion::storage) != 1) {
    errors.invalid(versions, join(seen, ","),
                   "must have exactly one version marked as storage version");
  }
}

void validate_conversion(const kube::CustomResourceDefinitionSpec& spec, const FieldPath& path,
                         FieldErrors& errors) {
  constexpr std::string_view kStrategies[] = {"None", "Webhook"};
  const FieldPath conversion = path.child("conversion");
  const FieldPath strategy = conversion.child("strategy");
  errors.one_of(strategy, spec.conversion->strategy, kStrategies);
  const auto served = std::ranges::count_if(spec.versions, &CustomResourceDefinitionVersion::served);
  if (spec.conversion->strategy == "Webhook" && !spec.conversion->webhook) {
    errors.required(conversion.child("webhookClientConfig"),
                    "required when strategy is set to Webhook");
    errors.required(conversion.child("conversionReviewVersions"));
  }
  if (spec.conversion->strategy == "Webhook" && served > 1) {
    errors.invalid(strategy, "Webhook",
                   "webhooks are not called by this server: serve one version, or use None");
  }
}

void validate_group(const CustomResourceDefinition& definition, const FieldPath& path,
                    FieldErrors& errors) {
  const std::string& group = definition.spec.group;
  const FieldPath at = path.child("group");
  if (group.empty()) return errors.required(at);
  errors.grammar(at, group, kube::check_dns1123_subdomain(group));
  if (group.find('.') == std::string::npos)
    errors.invalid(at, group, "should be a domain with at least one dot");
  const bool built_in = std::ranges::any_of(
      kube::all_kinds(), [&](const kube::Kind* kind) { return kind->group == group; });
  if (built_in) errors.invalid(at, group, "is a group of this server's own");
  const bool is_protected = group == "k8s.io" || group == "kubernetes.io" ||
                            group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io");
  if (is_protected && !definition.metadata.annotations.contains(std::string(kApproved))) {
    const FieldPath metadata("metadata");
    const FieldPath annotations = metadata.child("annotations");
    errors.required(annotations.key(kApproved), "protected groups must have approval annotation");
  }
}

void validate(const kube::Object& object, FieldErrors& errors) {
  const auto& definition = kube::as<CustomResourceDefinition>(object);
  const FieldPath spec("spec"), name("metadata.name");
  const std::string wanted = definition.spec.names.plural + "." + definition.spec.group;
  if (definition.metadata.name != wanted) {
    errors.invalid(name, definition.metadata.name,
                   fmt::format("must be spec.names.plural+\".\"+spec.group: {}", wanted));
  }
  validate_group(definition, spec, errors);
  constexpr std::string_view kScopes[] = {"Cluster", "Namespaced"};
  errors.one_of(spec.child("scope"), definition.spec.scope, kScopes);
  const FieldPath names = spec.child("names");
  validate_names(definition.spec.names, names, errors);
  validate_versions(definition.spec, spec, errors);
  validate_conversion(definition.spec, spec, errors);
  if (definition.spec.preserve_unknown_fields) {
    errors.add(spec.child("preserveUnknownFields"),
               "Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields "
               "to true in spec.versions[*].schema instead");
  }
}

void validate_definition_update(const kube::Object& before, const kube::Object& after, FieldErrors& errors) {
  const auto& old = kube::as<CustomResourceDefinition>(before);
  const auto& now = kube::as<CustomResourceDefinition>(after);
  const FieldPath spec("spec"), status("status");
  const FieldPath names = spec.child("names"), stored = status.child("storedVersions");
  const auto keep = [&](const FieldPath& path, const std::string& was, const std::string& is) {
    if (was != is) errors.invalid(path, is, "field is immutable");
  };
  keep(spec.child("group"), old.spec.group, now.spec.group);
  keep(names.child("plural"), old.spec.names.plural, now.spec.names.plural);
  if (has_condition(old, kube::kCrdEstablished)) {
    keep(spec.child("scope"), old.spec.scope, now.spec.scope);
    keep(names.child("kind"), old.spec.names.kind, now.spec.names.kind);
  }
  for (std::size_t i = 0; i < now.status.stored_versions.size(); ++i) {
    const std::string& version = now.status.stored_versions[i];
    if (std::ranges::find(now.spec.versions, version, &CustomResourceDefinitionVersion::name) ==
        now.spec.versions.end()) {
      errors.invalid(stored.index(i), version, "missing from spec.versions");
    }
  }
}

void validate_status(const kube::Object& before, const kube::Object& after, FieldErrors& errors) {
  const auto& stored = kube::as<CustomResourceDefinition>(after).status.stored_versions;
  if (stored.empty()) {
    const FieldPath status("status");
    errors.invalid(status.child("storedVersions"), "", "must have at least one stored version");
  }
  validate_definition_update(before, after, errors);
}

}  // namespace

Strategy custom_resource_definition_strategy() {
  Strategy out = make_strategy<CustomResourceDefinition>();
  out.set_defaults = &set_defaults;
  out.changes_generation = &spec_changed<CustomResourceDefinition>;
  out.validate = &validate;
  out.validate_update = &validate_definition_update;
  out.validate_status = &validate_status;
  return out;
}

}  // namespace minato::registry
