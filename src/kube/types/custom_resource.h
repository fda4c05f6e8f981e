// apiextensions.k8s.io/v1: CustomResourceDefinition.
//
// Field names, numbers and order are those of k8s.io/apiextensions-apiserver v0.32 (apiextensions/v1
// types.go). The schema stays JSON here and is read by kube/schema.h. What a field means is said
// there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct CustomResourceDefinitionNames {
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::string kind;
  std::string list_kind;
  std::vector<std::string> categories;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceDefinitionNames*);

struct CustomResourceColumnDefinition {
  std::string name;
  std::string type;
  std::string format;
  std::string description;
  std::int32_t priority = 0;
  std::string json_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceColumnDefinition*);

struct CustomResourceSubresourceStatus {
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceSubresourceStatus*);

struct CustomResourceSubresourceScale {
  std::string spec_replicas_path;
  std::string status_replicas_path;
  std::optional<std::string> label_selector_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceSubresourceScale*);

struct CustomResourceSubresources {
  Box<CustomResourceSubresourceStatus> status;
  Box<CustomResourceSubresourceScale> scale;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceSubresources*);

struct CustomResourceValidation {
  std::optional<RawJson> open_api_v3_schema;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceValidation*);

struct SelectableField {
  std::string json_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SelectableField*);

struct CustomResourceDefinitionVersion {
  std::string name;
  bool served = false;
  bool storage = false;
  Box<CustomResourceValidation> schema;
  Box<CustomResourceSubresources> subresources;
  std::vector<CustomResourceColumnDefinition> additional_printer_columns;
  bool deprecated = false;
  std::optional<std::string> deprecation_warning;
  std::vector<SelectableField> selectable_fields;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceDefinitionVersion*);

struct CustomResourceConversion {
  std::string strategy;
  std::optional<RawJson> webhook;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceConversion*);

struct CustomResourceDefinitionSpec {
  std::string group;
  CustomResourceDefinitionNames names;
  std::string scope;
  std::vector<CustomResourceDefinitionVersion> versions;
  Box<CustomResourceConversion> conversion;
  bool preserve_unknown_fields = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceDefinitionSpec*);

struct CustomResourceDefinitionCondition {
  std::string type;
  std::string status;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceDefinitionCondition*);

struct CustomResourceDefinitionStatus {
  std::vector<CustomResourceDefinitionCondition> conditions;
  CustomResourceDefinitionNames accepted_names;
  std::vector<std::string> stored_versions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CustomResourceDefinitionStatus*);

struct CustomResourceDefinition final : ObjectOf<CustomResourceDefinition> {
  DECLARE_SPECIAL_MEMBERS(CustomResourceDefinition);
  static const Kind& static_kind();
  CustomResourceDefinitionSpec spec;
  CustomResourceDefinitionStatus status;
};
const TypeInfo& reflect(const CustomResourceDefinition*);

// The values of CustomResourceDefinitionCondition::type, and the finalizer that keeps a definition
// until its objects are gone.
inline constexpr std::string_view kCrdNamesAccepted = "NamesAccepted";
inline constexpr std::string_view kCrdEstablished = "Established";
inline constexpr std::string_view kCrdTerminating = "Terminating";
inline constexpr std::string_view kCrdCleanup = "customresourcecleanup.apiextensions.k8s.io";

// Whether the condition of this type is "True".
bool has_condition(const CustomResourceDefinition& definition, std::string_view type);

}  // namespace minato::kube
