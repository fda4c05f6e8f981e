#include "apiserver/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>

#include "apiserver/discovery.h"
#include "apiserver/version.h"
#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/reflect.h"
#include "kube/scale.h"
#include "kube/types/autoscaling.h"
#include "kube/types/meta.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

using kube::FieldInfo;
using kube::Shape;
using kube::TypeInfo;

constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1";
constexpr std::string_view kQuantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr std::string_view kIntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
enum class Version { k2, k3 };

// "io.k8s.api.apps.v1"; groups with dots keep their first part, as in Go package names.
std::string package_of(std::string_view group, std::string_view version) {
  const std::string_view name = group.empty() ? "core" : group.substr(0, group.find('.'));
  return fmt::format("io.k8s.api.{}.{}", name, version);
}

void visit_structs(const TypeInfo& type, const std::function<bool(const TypeInfo&)>& visit) {
  if (type.shape == Shape::kStruct) {
    if (!visit(type)) return;
    for (const FieldInfo& field : type.fields) visit_structs(field.type(), visit);
  } else if (type.shape == Shape::kOptional || type.shape == Shape::kList ||
             type.shape == Shape::kMap) {
    visit_structs(type.element(), visit);
  }
}

// The package of every struct, by its name: names are unique. What core kinds use is core's,
// whoever else uses it too.
const std::map<std::string_view, std::string>& packages() {
  static const std::map<std::string_view, std::string> all = [] {
    std::map<std::string_view, std::string> out;
    const auto claim = [&out](const TypeInfo& type, const std::string& package) {
      visit_structs(type,
                    [&](const TypeInfo& found) { return out.emplace(found.name, package).second; });
    };
    for (const TypeInfo* type :
         {&kube::type_of<kube::ObjectMeta>(), &kube::type_of<kube::LabelSelector>(),
          &kube::type_of<kube::Condition>(), &kube::type_of<kube::DeleteOptions>()}) {
      claim(*type, std::string(kMeta));
    }
    for (const ServedResource& entry : built_in_resources()) {
      if (entry.stored != nullptr)
        claim(entry.shown->type(), package_of(entry.group, entry.version));
    }
    claim(kube::type_of<kube::Scale>(), "io.k8s.api.autoscaling.v1");
    return out;
  }();
  return all;
}

std::string schema_name(const TypeInfo& type) {
  const auto found = packages().find(type.name);
  return fmt::format("{}.{}", found == packages().end() ? std::string(kMeta) : found->second,
                     type.name);
}

json::object reference(std::string_view name, Version version) {
  return {{"$ref",
           fmt::format("{}{}", version == Version::k3 ? "#/components/schemas/" : "#/definitions/",
                       name)}};
}

json::object schema_of(const TypeInfo& type, Version version) {
  switch (type.shape) {
    case Shape::kString: return {{"type", "string"}};
    case Shape::kBool: return {{"type", "boolean"}};
    case Shape::kInt32: return {{"type", "integer"}, {"format", "int32"}};
    case Shape::kInt64: return {{"type", "integer"}, {"format", "int64"}};
    case Shape::kDouble: return {{"type", "number"}, {"format", "double"}};
    case Shape::kBytes: return {{"type", "string"}, {"format", "byte"}};
    case Shape::kTime:
    case Shape::kMicroTime: return {{"type", "string"}, {"format", "date-time"}};
    case Shape::kQuantity: return reference(kQuantity, version);
    case Shape::kIntOrString: return reference(kIntOrString, version);
    case Shape::kRawJson: return {{"type", "object"}};
    case Shape::kStruct: return reference(schema_name(type), version);
    case Shape::kOptional: return schema_of(type.element(), version);
    case Shape::kList: return {{"type", "array"}, {"items", schema_of(type.element(), version)}};
    case Shape::kMap:
      return {{"type", "object"}, {"additionalProperties", schema_of(type.element(), version)}};
  }
  return {};
}

std::string patch_strategy(unsigned options) {
  std::string out;
  const auto add = [&](kube::FieldOption option, std::string_view name) {
    if (options & option) out += fmt::format("{}{}", out.empty() ? "" : ",", name);
  };
  add(kube::kMerge, "merge");
  add(kube::kReplace, "replace");
  add(kube::kRetainKeys, "retainKeys");
  return out;
}

void add_extensions(const FieldInfo& field, json::object& schema) {
  if (!field.merge_key.empty()) schema["x-kubernetes-patch-merge-key"] = field.merge_key;
  if (const std::string strategy = patch_strategy(field.options); !strategy.empty()) {
    schema["x-kubernetes-patch-strategy"] = strategy;
  }
  if (field.options & kube::kAtomic) {
    schema[field.type().shape == Shape::kMap ? "x-kubernetes-map-type" : "x-kubernetes-list-type"] = "atomic";
  } else if (field.options & kube::kSet) {
    schema["x-kubernetes-list-type"] = "set";
  } else if (!field.list_map_keys.empty() ||
             (!field.merge_key.empty() && field.type().shape == Shape::kList)) {
    json::array keys;
    const std::string_view all =
        field.list_map_keys.empty() ? field.merge_key : field.list_map_keys;
    for (std::size_t begin = 0; begin < all.size();) {
      const std::size_t end = std::min(all.find(',', begin), all.size());
      keys.emplace_back(all.substr(begin, end - begin));
      begin = end + 1;
    }
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = std::move(keys);
  }
}

void add_properties(const TypeInfo& type, Version version, json::object& properties) {
  for (const FieldInfo& field : type.fields) {
    if (field.options & kube::kInline) {
      add_properties(field.type(), version, properties);
      continue;
    }
    json::object schema = schema_of(field.type(), version);
    json::object extensions;
    add_extensions(field, extensions);
    // Nothing may stand beside a $ref.
    if (!extensions.empty() && schema.contains("$ref") && version == Version::k3) {
      schema = {{"allOf", json::array{std::move(schema)}}};
    }
    for (auto& [key, value] : extensions) schema[key] = std::move(value);
    properties[field.name] = std::move(schema);
  }
}

json::object kind_extension(std::string_view group, std::string_view version,
                            std::string_view kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

json::object struct_schema(const TypeInfo& type, Version version) {
  json::object properties;
  add_properties(type, version, properties);
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

void add_struct(const TypeInfo& type, Version version, json::object& schemas) {
  visit_structs(type, [&](const TypeInfo& found) {
    const std::string name = schema_name(found);
    if (schemas.contains(name)) return false;
    schemas[name] = struct_schema(found, version);
    return true;
  });
}

void add_kind(const TypeInfo& type, const ServedResource& entry, Version version,
              json::object& schemas) {
  add_struct(type, version, schemas);
  json::object& schema = schemas[schema_name(type)].as_object();
  json::object& properties = schema["properties"].as_object();
  properties["apiVersion"] = json::object{{"type", "string"}};
  properties["kind"] = json::object{{"type", "string"}};
  schema["x-kubernetes-group-version-kind"] =
      json::array{kind_extension(entry.group, entry.version, entry.kind)};
}

void add_scalars(Version version, json::object& schemas) {
  schemas[kQuantity] = json::object{{"type", "string"}};
  if (version == Version::k3) {
    schemas[kIntOrString] = json::object{
        {"oneOf", json::array{json::object{{"type", "integer"}}, json::object{{"type", "string"}}}},
        {"format", "int-or-string"}};
  } else {
    schemas[kIntOrString] = json::object{{"type", "string"}, {"format", "int-or-string"}};
  }
}

json::object query_parameter(std::string_view name, Version version) {
  json::object out{{"name", name}, {"in", "query"}};
  if (version == Version::k3) {
    out["schema"] = json::object{{"type", "string"}};
  } else {
    out["type"] = "string";
  }
  return out;
}

// Clients look for the parameters that a PATCH takes before they use them.
void add_path(const ServedResource& entry, Version version, json::object& paths) {
  const std::string base = entry.group.empty()
                               ? fmt::format("/api/{}", entry.version)
                               : fmt::format("/apis/{}/{}", entry.group, entry.version);
  const std::string path = fmt::format(
      "{}{}/{}/{{name}}", base, entry.namespaced ? "/namespaces/{namespace}" : "", entry.resource);
  json::array parameters;
  for (const std::string_view name : {"dryRun", "fieldManager", "fieldValidation", "force"}) {
    parameters.push_back(query_parameter(name, version));
  }
  const auto operation = [&](std::string_view action) {
    return json::object{
        {"operationId", fmt::format("{}{}{}{}", action, entry.group, entry.version, entry.kind)},
        {"parameters", parameters},
        {"responses", json::object{{"200", json::object{{"description", "OK"}}}}},
        {"x-kubernetes-action", action},
        {"x-kubernetes-group-version-kind",
         kind_extension(entry.group, entry.version, entry.kind)}};
  };
  paths[path] = json::object{{"get", operation("get")},
                             {"put", operation("put")},
                             {"patch", operation("patch")},
                             {"delete", operation("delete")}};
}

json::object info() { return {{"title", "Kubernetes"}, {"version", kGitVersion}}; }

std::string document_name(const ServedResource& entry) {
  return entry.group.empty() ? fmt::format("api/{}", entry.version)
                             : fmt::format("apis/{}/{}", entry.group, entry.version);
}

// "com.example.v1.Widget": the group's parts turned round, as upstream names them.
std::string custom_schema_name(const ServedResource& entry) {
  std::string out;
  for (const std::string& part : split(entry.group, '.')) out = part + (out.empty() ? "" : "." + out);
  return fmt::format("{}.{}.{}", out, entry.version, entry.kind);
}

// What the definition says, with what every object has.
void add_custom(const ServedResource& entry, Version version, json::object& schemas) {
  const kube::CustomVersion& custom = *entry.stored->custom;
  json::object schema{{"type", "object"}};
  // v2 cannot say all that a definition may; who still reads it gets no more than the kind.
  if (custom.source && version == Version::k3) schema = custom.source->as_object();
  if (version == Version::k2) schema["x-kubernetes-preserve-unknown-fields"] = true;
  json::value& properties = schema["properties"];
  if (!properties.is_object()) properties = json::object();
  const json::object text{{"type", "string"}};
  properties.get_object()["apiVersion"] = text;
  properties.get_object()["kind"] = text;
  properties.get_object()["metadata"] =
      reference(schema_name(kube::type_of<kube::ObjectMeta>()), version);
  schema["x-kubernetes-group-version-kind"] =
      json::array{kind_extension(entry.group, entry.version, entry.kind)};
  schemas[custom_schema_name(entry)] = std::move(schema);
  add_struct(kube::type_of<kube::ObjectMeta>(), version, schemas);
}

void add_entry(const ServedResource& entry, Version version, json::object& paths,
               json::object& schemas) {
  add_path(entry, version, paths);
  if (entry.stored->custom) {
    add_custom(entry, version, schemas);
  } else {
    add_kind(entry.shown->type(), entry, version, schemas);
  }
}

// FNV-1a: enough to tell one text from the next.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace

void OpenApi::refresh() {
  if (made_of_ == catalogue_.generation()) return;
  v3_.clear();
  v2_.clear();
  made_of_ = catalogue_.generation();
}

std::string OpenApi::make_v3(std::string_view document) const {
  json::object paths, schemas;
  for (const ServedPtr& entry : catalogue_.resources()) {
    if (document_name(*entry) != document || entry->stored == nullptr) continue;
    add_entry(*entry, Version::k3, paths, schemas);
  }
  add_struct(kube::type_of<kube::DeleteOptions>(), Version::k3, schemas);
  add_scalars(Version::k3, schemas);
  const json::object out{{"openapi", "3.0.0"},
                         {"info", info()},
                         {"paths", std::move(paths)},
                         {"components", json::object{{"schemas", std::move(schemas)}}}};
  return json::serialize(out);
}

std::string OpenApi::index() {
  json::object paths;
  for (const ServedPtr& entry : catalogue_.resources()) {
    const std::string document = document_name(*entry);
    // Built-in types are fixed for a build, and so is what their hash says: the version.
    const bool is_custom = entry->stored != nullptr && entry->stored->custom;
    const std::string hash = is_custom ? hash_of(v3(document)) : std::string(kGitVersion);
    paths[document] = json::object{
        {"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}", document, hash)}};
  }
  return json::serialize(json::object{{"paths", std::move(paths)}});
}

const std::string& OpenApi::v3(std::string_view document) {
  static const std::string kNone;
  refresh();
  if (const auto found = v3_.find(document); found != v3_.end()) return found->second;
  const bool exists = std::ranges::any_of(
      catalogue_.resources(), [&](const ServedPtr& entry) { return document_name(*entry) == document; });
  return exists ? v3_.emplace(document, make_v3(document)).first->second : kNone;
}

const std::string& OpenApi::v2() {
  refresh();
  if (!v2_.empty()) return v2_;
  json::object paths, schemas;
  for (const ServedPtr& entry : catalogue_.resources()) {
    if (entry->stored != nullptr) add_entry(*entry, Version::k2, paths, schemas);
  }
  add_scalars(Version::k2, schemas);
  v2_ = json::serialize(json::object{{"swagger", "2.0"},
                                     {"info", info()},
                                     {"paths", std::move(paths)},
                                     {"definitions", std::move(schemas)}});
  return v2_;
}

}  // namespace minato::apiserver
