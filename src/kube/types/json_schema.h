// apiextensions.k8s.io/v1 JSONSchemaProps, as clients send it in protobuf. Everything else here takes
// schemas as JSON (kube/schema.h); kube/definition_protobuf.h turns this into that.
//
// Field names, numbers and order are those of k8s.io/apiextensions-apiserver v0.35 (apiextensions/v1
// generated.proto). Where JSON has one of two forms, the struct has both as members.
#pragma once

#include "kube/reflect.h"

namespace minato::kube {

struct JsonSchemaProps;

struct JsonSchemaPropsOrArray {
  Box<JsonSchemaProps> schema;
  std::vector<JsonSchemaProps> json_schemas;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JsonSchemaPropsOrArray*);

struct JsonSchemaPropsOrBool {
  bool allows = false;
  Box<JsonSchemaProps> schema;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JsonSchemaPropsOrBool*);

struct ExternalDocumentation {
  std::string description;
  std::string url;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ExternalDocumentation*);

struct ValidationRule {
  std::string rule;
  std::string message;
  std::string message_expression;
  std::optional<std::string> reason;
  std::string field_path;
  std::optional<bool> optional_old_self;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ValidationRule*);

struct JsonSchemaProps {
  std::string id;
  std::string schema;
  std::optional<std::string> ref;
  std::string description;
  std::string type;
  std::string format;
  std::string title;
  std::optional<RawJson> default_;
  std::optional<double> maximum;
  bool exclusive_maximum = false;
  std::optional<double> minimum;
  bool exclusive_minimum = false;
  std::optional<std::int64_t> max_length;
  std::optional<std::int64_t> min_length;
  std::string pattern;
  std::optional<std::int64_t> max_items;
  std::optional<std::int64_t> min_items;
  bool unique_items = false;
  std::optional<double> multiple_of;
  std::vector<RawJson> enum_;
  std::optional<std::int64_t> max_properties;
  std::optional<std::int64_t> min_properties;
  std::vector<std::string> required;
  Box<JsonSchemaPropsOrArray> items;
  std::vector<JsonSchemaProps> all_of;
  std::vector<JsonSchemaProps> one_of;
  std::vector<JsonSchemaProps> any_of;
  Box<JsonSchemaProps> not_;
  std::map<std::string, JsonSchemaProps> properties;
  Box<JsonSchemaPropsOrBool> additional_properties;
  Box<ExternalDocumentation> external_docs;
  std::optional<RawJson> example;
  bool nullable = false;
  std::optional<bool> preserve_unknown_fields;
  bool embedded_resource = false;
  bool int_or_string = false;
  std::vector<std::string> list_map_keys;
  std::optional<std::string> list_type;
  std::optional<std::string> map_type;
  std::vector<ValidationRule> validations;
  UnknownFields unknown;
};
const TypeInfo& reflect(const JsonSchemaProps*);

}  // namespace minato::kube
