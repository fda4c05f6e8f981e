#include "kube/definition_protobuf.h"

#include <boost/json/serialize.hpp>

#include "kube/json.h"
#include "kube/protobuf.h"
#include "kube/types/json_schema.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

// Where the schema of a version is: CustomResourceDefinition.spec.versions[].schema.openAPIV3Schema.
constexpr int kSpec = 2, kVersions = 7, kSchema = 4, kOpenApi = 1, kConversion = 9, kWebhook = 2;

void to_json_forms(json::value& schema);

void each(json::value* all) {
  if (all == nullptr) return;
  if (all->is_array()) {
    for (json::value& schema : all->get_array()) to_json_forms(schema);
  } else if (all->is_object()) {
    for (auto& [name, schema] : all->get_object()) to_json_forms(schema);
  }
}

// Of a member that JSON writes in one of two forms, the one that it has.
void choose_form(json::value& member) {
  json::object& forms = member.as_object();
  json::value chosen;
  if (json::value* schema = forms.if_contains("schema")) {
    to_json_forms(*schema);
    chosen = std::move(*schema);
  } else if (json::value* list = forms.if_contains("jSONSchemas")) {
    each(list);
    chosen = std::move(*list);
  } else if (json::value* allows = forms.if_contains("allows")) {
    chosen = std::move(*allows);
  }
  member = std::move(chosen);
}

void to_json_forms(json::value& schema) {
  json::object& object = schema.as_object();
  for (const std::string_view name : {"items", "additionalProperties"}) {
    if (json::value* member = object.if_contains(name)) choose_form(*member);
  }
  for (const std::string_view name : {"allOf", "oneOf", "anyOf", "properties"}) {
    each(object.if_contains(name));
  }
  if (json::value* inner = object.if_contains("not")) to_json_forms(*inner);
}

Result<std::string> schema_text(std::string_view message) {
  ASSIGN_OR_RETURN(const auto props, from_protobuf_message<JsonSchemaProps>(message));
  ASSIGN_OR_RETURN(json::value schema, parse_json(to_json_text(props)));
  to_json_forms(schema);
  return json::serialize(schema);
}

}  // namespace

Status read_definition(std::string_view raw, CustomResourceDefinition& out) {
  RETURN_IF_ERROR(from_protobuf(out.kind().type(), raw, out.self()));
  ASSIGN_OR_RETURN(const std::string_view spec, find_message(raw, {kSpec}));
  ASSIGN_OR_RETURN(const std::string_view webhook, find_message(spec, {kConversion, kWebhook}));
  if (!webhook.empty()) {
    return fail(Reason::kInvalid, "spec.conversion.webhook: send the definition as JSON");
  }
  ASSIGN_OR_RETURN(const auto versions, find_messages(spec, kVersions));
  for (std::size_t i = 0; i < versions.size() && i < out.spec.versions.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view schema, find_message(versions[i], {kSchema, kOpenApi}));
    if (schema.empty()) continue;
    ASSIGN_OR_RETURN(std::string text, schema_text(schema));
    out.spec.versions[i].schema.ensure().open_api_v3_schema = RawJson{std::move(text)};
  }
  return {};
}

}  // namespace minato::kube
