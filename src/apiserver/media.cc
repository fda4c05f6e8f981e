#include "apiserver/media.h"

#include <fmt/format.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "apiserver/yaml.h"
#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/definition_protobuf.h"
#include "kube/json.h"
#include "kube/json_duplicates.h"
#include "kube/protobuf.h"
#include "kube/types/custom_resource.h"
#include "kube/types/policy.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxAccepted = 32;
constexpr std::size_t kMaxReported = 16;

MediaType parse_media_type(std::string_view text) {
  const std::vector<std::string> parts = split(text, ';');
  MediaType out{to_lower(trim(parts[0])), {}};
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string::npos) continue;
    out.parameters.emplace_back(trim(std::string_view(parts[i]).substr(0, equals)),
                                trim(std::string_view(parts[i]).substr(equals + 1)));
  }
  return out;
}

bool is_json(const MediaType& media) {
  return media.type == "application/json" || media.type == "*/*" || media.type == "application/*";
}

IncludeObject include_of(const Url& url) {
  const std::string_view text = url.parameter("includeObject");
  if (text == "None") return IncludeObject::kNone;
  if (text == "Object") return IncludeObject::kObject;
  return IncludeObject::kMetadata;
}

std::unexpected<Error> cannot_handle(const kube::Kind& kind, std::string_view why) {
  return fail(Reason::kBadRequest, fmt::format("{} in version \"{}\" cannot be handled as a {}: {}",
                                               kind.kind, kind.version, kind.kind, why));
}

std::unexpected<Error> not_protobuf() {
  return fail(Reason::kUnsupportedMediaType,
              "the body of the request was in an unknown format - accepted media types include: "
              "application/json, application/yaml");
}

Status check_kind(std::string_view api_version, std::string_view name, const kube::Kind& kind) {
  const bool is_named = name.empty() || name == kind.kind;
  // Evictions are taken in their old version too; they have not changed.
  const bool is_old = kind == kube::Eviction::static_kind() && api_version == "policy/v1beta1";
  if (is_named && (api_version.empty() || api_version == kind.api_version() || is_old)) return {};
  if (kind.custom && !is_named && api_version == kind.api_version()) {
    return fail(Reason::kInvalid, fmt::format("{}.{} is invalid: kind: Invalid value: \"{}\": must be {}",
                                              name, kind.group, name, kind.kind));
  }
  return fail(Reason::kBadRequest,
              fmt::format("the object provided is unrecognized (must be of type {}): got {} {}, "
                          "expected {} {}",
                          kind.kind, api_version, name, kind.api_version(), kind.kind));
}

std::string_view member_text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// `twice`: takes the paths of members that stand twice.
Result<json::value> read_tree(const HttpRequest& request, BodyFormat format,
                              json::storage_ptr storage, std::vector<std::string>& twice) {
  auto parsed = format == BodyFormat::kYaml ? parse_yaml(request.body, &twice)
                                            : kube::parse_json(request.body, std::move(storage));
  if (!parsed) {
    return fail(Reason::kBadRequest, "error decoding the request body: " + parsed.error().message);
  }
  if (format == BodyFormat::kJson) twice = kube::duplicate_members(request.body);
  if (parsed->is_null()) parsed->emplace_object();  // As upstream: all is left out.
  if (!parsed->is_object()) return fail(Reason::kBadRequest, "the request body is not an object");
  return parsed;
}

void collect_unknown(const kube::TypeInfo& type, const void* value, const kube::FieldPath& path,
                     std::vector<std::string>& out);

void collect_in_struct(const kube::TypeInfo& type, const void* value, const kube::FieldPath& path,
                       std::vector<std::string>& out) {
  if (const kube::UnknownFields& unknown = type.unknown(const_cast<void*>(value))) {
    for (const auto& [name, member] : *unknown) {
      if (out.size() == kMaxReported) return;
      const kube::FieldPath child = path.child(std::string_view(name));
      out.push_back(fmt::format("unknown field \"{}\"", child.to_string()));
    }
  }
  for (const kube::FieldInfo& field : type.fields) {
    const bool is_inline = (field.options & kube::kInline) != 0;
    const kube::FieldPath child = path.child(field.name);
    collect_unknown(field.type(), kube::member_of(field, value), is_inline ? path : child, out);
  }
}

void collect_unknown(const kube::TypeInfo& type, const void* value, const kube::FieldPath& path,
                     std::vector<std::string>& out) {
  switch (type.shape) {
    case kube::Shape::kStruct: return collect_in_struct(type, value, path, out);
    case kube::Shape::kOptional:
      if (const void* present = type.get(value))
        collect_unknown(type.element(), present, path, out);
      return;
    case kube::Shape::kList:
      if (type.element().shape != kube::Shape::kStruct) return;
      for (std::size_t i = 0; i < type.size(value); ++i) {
        const kube::FieldPath element = path.index(i);
        collect_unknown(type.element(), type.at(value, i), element, out);
      }
      return;
    default: return;
  }
}

}  // namespace

std::string_view MediaType::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::vector<MediaType> parse_accept(std::string_view header) {
  std::vector<MediaType> out;
  for (const std::string& part : split(header, ',')) {
    if (trim(part).empty() || out.size() == kMaxAccepted) continue;
    out.push_back(parse_media_type(part));
  }
  return out;
}

std::optional<Accepted> negotiate(const HttpRequest& request, const Url& url) {
  const std::vector<MediaType> entries = parse_accept(request.header("Accept"));
  if (entries.empty()) return Accepted{};
  for (const MediaType& media : entries) {
    if (!is_json(media)) continue;
    const std::string_view as = media.parameter("as");
    if (as.empty()) return Accepted{};
    if (media.parameter("g") != "meta.k8s.io") continue;
    const std::string_view version = media.parameter("v");
    if (version != "v1") continue;
    if (as == "Table") return Accepted{View::kTable, include_of(url)};
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
      return Accepted{View::kPartialMetadata};
    }
  }
  return std::nullopt;
}

std::string negotiate_discovery(const HttpRequest& request) {
  for (const MediaType& media : parse_accept(request.header("Accept"))) {
    if (!is_json(media)) continue;
    if (media.parameter("as").empty()) return {};
    const std::string_view version = media.parameter("v");
    if (media.parameter("as") == "APIGroupDiscoveryList" &&
        media.parameter("g") == "apidiscovery.k8s.io" &&
        (version == "v2" || version == "v2beta1")) {
      return std::string(version);
    }
  }
  return {};
}

Result<BodyFormat> body_format(const HttpRequest& request) {
  const std::string type = parse_media_type(request.header("Content-Type")).type;
  if (type.empty() || type == "application/json") return BodyFormat::kJson;
  if (type == "application/yaml" || type == "text/yaml") return BodyFormat::kYaml;
  if (type == kube::kProtobufMediaType) return BodyFormat::kProtobuf;
  return fail(Reason::kUnsupportedMediaType,
              fmt::format("the body of the request was in an unknown format - accepted media types "
                          "include: application/json, application/yaml, {}",
                          kube::kProtobufMediaType));
}

namespace {

Result<std::unique_ptr<kube::Object>> read_body(const HttpRequest& request, const kube::Kind& kind,
                                                std::vector<std::string>& twice) {
  ASSIGN_OR_RETURN(const BodyFormat format, body_format(request));
  std::unique_ptr<kube::Object> out = kind.make();
  if (format == BodyFormat::kProtobuf) {
    // Nobody knows the messages of custom kinds.
    if (kind.custom) return not_protobuf();
    ASSIGN_OR_RETURN(const kube::ProtobufEnvelope envelope, kube::open_protobuf(request.body));
    RETURN_IF_ERROR(check_kind(envelope.api_version, envelope.kind, kind));
    const Status read =
        kind == kube::CustomResourceDefinition::static_kind()
            ? kube::read_definition(envelope.raw,
                                    static_cast<kube::CustomResourceDefinition&>(*out))
            : kube::from_protobuf(kind.type(), envelope.raw, out->self());
    if (!read) return cannot_handle(kind, read.error().message);
    return out;
  }
  json::monotonic_resource memory;
  ASSIGN_OR_RETURN(json::value tree, read_tree(request, format, &memory, twice));
  json::object& object = tree.get_object();
  RETURN_IF_ERROR(check_kind(member_text(object, "apiVersion"), member_text(object, "kind"), kind));
  object.erase("apiVersion");
  object.erase("kind");
  if (const Status read = kube::from_json(kind.type(), tree, out->self()); !read) {
    return cannot_handle(kind, read.error().message);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<kube::Object>> read_object(const HttpRequest& request,
                                                  const kube::Kind& kind) {
  std::vector<std::string> twice;
  return read_body(request, kind, twice);
}

Result<ReadObject> read_with_findings(const HttpRequest& request, const kube::Kind& kind) {
  std::vector<std::string> twice;
  ASSIGN_OR_RETURN(auto object, read_body(request, kind, twice));
  std::vector<std::string> findings = unknown_fields(*object);
  for (const std::string& path : twice)
    findings.push_back(fmt::format("duplicate field \"{}\"", path));
  return ReadObject{std::move(object), std::move(findings)};
}

Status read_message(const HttpRequest& request, const kube::TypeInfo& type, void* out) {
  if (request.body.empty()) return {};
  ASSIGN_OR_RETURN(const BodyFormat format, body_format(request));
  if (format == BodyFormat::kProtobuf) {
    ASSIGN_OR_RETURN(const kube::ProtobufEnvelope envelope, kube::open_protobuf(request.body));
    return kube::from_protobuf(type, envelope.raw, out);
  }
  json::monotonic_resource memory;
  std::vector<std::string> twice;  // Upstream does not look there.
  ASSIGN_OR_RETURN(json::value tree, read_tree(request, format, &memory, twice));
  tree.get_object().erase("apiVersion");
  tree.get_object().erase("kind");
  if (const Status read = kube::from_json(type, tree, out); !read) {
    return fail(Reason::kBadRequest, "error decoding the request body: " + read.error().message);
  }
  return {};
}

std::vector<std::string> unknown_fields(const kube::Object& object) {
  std::vector<std::string> out;
  const kube::Kind& kind = object.kind();
  if (!kind.custom) {
    collect_unknown(kind.type(), object.self(), kube::FieldPath(""), out);
    return out;
  }
  collect_unknown(kube::type_of<kube::ObjectMeta>(), &object.metadata, kube::FieldPath("metadata"), out);
  if (!kind.custom->schema) return out;
  json::object body = static_cast<const kube::CustomObject&>(object).body();
  std::vector<std::string> removed;
  kube::prune(*kind.custom->schema, body, &removed);
  for (const std::string& path : removed) out.push_back(fmt::format("unknown field \"{}\"", path));
  return out;
}

}  // namespace minato::apiserver
