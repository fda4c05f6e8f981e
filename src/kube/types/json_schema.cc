#include "kube/types/json_schema.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(JsonSchemaPropsOrArray,
  FIELD(schema, "schema", 1),
  FIELD(json_schemas, "jSONSchemas", 2))

MINATO_STRUCT(JsonSchemaPropsOrBool,
  FIELD(allows, "allows", 1, kAlways),
  FIELD(schema, "schema", 2))

MINATO_STRUCT(ExternalDocumentation,
  FIELD(description, "description", 1),
  FIELD(url, "url", 2))

MINATO_STRUCT(ValidationRule,
  FIELD(rule, "rule", 1, kAlways),
  FIELD(message, "message", 2),
  FIELD(message_expression, "messageExpression", 3),
  FIELD(reason, "reason", 4),
  FIELD(field_path, "fieldPath", 5),
  FIELD(optional_old_self, "optionalOldSelf", 6))

MINATO_STRUCT(JsonSchemaProps,
  FIELD(id, "id", 1),
  FIELD(schema, "$schema", 2),
  FIELD(ref, "$ref", 3),
  FIELD(description, "description", 4),
  FIELD(type, "type", 5),
  FIELD(format, "format", 6),
  FIELD(title, "title", 7),
  FIELD(default_, "default", 8),
  FIELD(maximum, "maximum", 9),
  FIELD(exclusive_maximum, "exclusiveMaximum", 10),
  FIELD(minimum, "minimum", 11),
  FIELD(exclusive_minimum, "exclusiveMinimum", 12),
  FIELD(max_length, "maxLength", 13),
  FIELD(min_length, "minLength", 14),
  FIELD(pattern, "pattern", 15),
  FIELD(max_items, "maxItems", 16),
  FIELD(min_items, "minItems", 17),
  FIELD(unique_items, "uniqueItems", 18),
  FIELD(multiple_of, "multipleOf", 19),
  FIELD(enum_, "enum", 20),
  FIELD(max_properties, "maxProperties", 21),
  FIELD(min_properties, "minProperties", 22),
  FIELD(required, "required", 23),
  FIELD(items, "items", 24),
  FIELD(all_of, "allOf", 25),
  FIELD(one_of, "oneOf", 26),
  FIELD(any_of, "anyOf", 27),
  FIELD(not_, "not", 28),
  FIELD(properties, "properties", 29),
  FIELD(additional_properties, "additionalProperties", 30),
  FIELD(external_docs, "externalDocs", 35),
  FIELD(example, "example", 36),
  FIELD(nullable, "nullable", 37),
  FIELD(preserve_unknown_fields, "x-kubernetes-preserve-unknown-fields", 38),
  FIELD(embedded_resource, "x-kubernetes-embedded-resource", 39),
  FIELD(int_or_string, "x-kubernetes-int-or-string", 40),
  FIELD(list_map_keys, "x-kubernetes-list-map-keys", 41),
  FIELD(list_type, "x-kubernetes-list-type", 42),
  FIELD(map_type, "x-kubernetes-map-type", 43),
  FIELD(validations, "x-kubernetes-validations", 44))

}  // namespace minato::kube
