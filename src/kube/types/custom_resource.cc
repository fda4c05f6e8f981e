#include "kube/types/custom_resource.h"

#include <algorithm>

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(CustomResourceDefinitionNames,
  FIELD(plural, "plural", 1, kAlways),
  FIELD(singular, "singular", 2),
  FIELD(short_names, "shortNames", 3, kAtomic),
  FIELD(kind, "kind", 4, kAlways),
  FIELD(list_kind, "listKind", 5),
  FIELD(categories, "categories", 6, kAtomic))

MINATO_STRUCT(CustomResourceColumnDefinition,
  FIELD(name, "name", 1, kAlways),
  FIELD(type, "type", 2, kAlways),
  FIELD(format, "format", 3),
  FIELD(description, "description", 4),
  FIELD(priority, "priority", 5),
  FIELD(json_path, "jsonPath", 6, kAlways))

const TypeInfo& reflect(const CustomResourceSubresourceStatus*) {
  static const TypeInfo info = detail::struct_type<CustomResourceSubresourceStatus>(
      "CustomResourceSubresourceStatus", {}, false);
  return info;
}

MINATO_STRUCT(CustomResourceSubresourceScale,
  FIELD(spec_replicas_path, "specReplicasPath", 1, kAlways),
  FIELD(status_replicas_path, "statusReplicasPath", 2, kAlways),
  FIELD(label_selector_path, "labelSelectorPath", 3))

MINATO_STRUCT(CustomResourceSubresources,
  FIELD(status, "status", 1),
  FIELD(scale, "scale", 2))

// Numbers of 0 are never read or written: kube/definition_protobuf.h does that.
MINATO_STRUCT(CustomResourceValidation,
  FIELD(open_api_v3_schema, "openAPIV3Schema", 0))

MINATO_STRUCT(SelectableField,
  FIELD(json_path, "jsonPath", 1, kAlways))

MINATO_STRUCT(CustomResourceDefinitionVersion,
  FIELD(name, "name", 1, kAlways),
  FIELD(served, "served", 2, kAlways),
  FIELD(storage, "storage", 3, kAlways),
  FIELD(schema, "schema", 4),
  FIELD(subresources, "subresources", 5),
  FIELD(additional_printer_columns, "additionalPrinterColumns", 6, kAtomic),
  FIELD(deprecated, "deprecated", 7),
  FIELD(deprecation_warning, "deprecationWarning", 8),
  FIELD(selectable_fields, "selectableFields", 9, kAtomic))

MINATO_STRUCT(CustomResourceConversion,
  FIELD(strategy, "strategy", 1, kAlways),
  FIELD(webhook, "webhook", 0))

MINATO_STRUCT(CustomResourceDefinitionSpec,
  FIELD(group, "group", 1, kAlways),
  FIELD(names, "names", 3),
  FIELD(scope, "scope", 4, kAlways),
  FIELD(versions, "versions", 7, kAtomic),
  FIELD(conversion, "conversion", 9),
  FIELD(preserve_unknown_fields, "preserveUnknownFields", 10))

MINATO_STRUCT(CustomResourceDefinitionCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 3),
  FIELD(reason, "reason", 4),
  FIELD(message, "message", 5))

MINATO_STRUCT(CustomResourceDefinitionStatus,
  FIELD(conditions, "conditions", 1, 0, {}, "type"),
  FIELD(accepted_names, "acceptedNames", 2),
  FIELD(stored_versions, "storedVersions", 3, kAtomic))

DEFINE_SPECIAL_MEMBERS(CustomResourceDefinition);
MINATO_STRUCT(CustomResourceDefinition,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

bool has_condition(const CustomResourceDefinition& definition, std::string_view type) {
  return std::ranges::any_of(definition.status.conditions, [&](const auto& condition) {
    return condition.type == type && condition.status == "True";
  });
}

}  // namespace minato::kube
