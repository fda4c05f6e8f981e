#include "kube_http/wire.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/strings.h"
#include "kube/json.h"

namespace minato::kube_http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxQuoted = 200;  // Bytes of an answer that is no Status.

constexpr std::array kReasons = {
    Reason::kUnauthorized, Reason::kForbidden,        Reason::kNotFound,
    Reason::kAlreadyExists, Reason::kConflict,        Reason::kGone,
    Reason::kExpired,       Reason::kInvalid,         Reason::kBadRequest,
    Reason::kMethodNotAllowed, Reason::kUnsupportedMediaType, Reason::kTooManyRequests,
    Reason::kTimeout,       Reason::kInternalError,   Reason::kUnavailable};

Reason reason_of_code(int code) {
  switch (code) {
    case 400: return Reason::kBadRequest;
    case 401: return Reason::kUnauthorized;
    case 403: return Reason::kForbidden;
    case 404: return Reason::kNotFound;
    case 405: return Reason::kMethodNotAllowed;
    case 409: return Reason::kConflict;
    case 410: return Reason::kGone;
    case 415: return Reason::kUnsupportedMediaType;
    case 422: return Reason::kInvalid;
    case 429: return Reason::kTooManyRequests;
    case 500: return Reason::kInternalError;
    case 502:
    case 503: return Reason::kUnavailable;
    case 504: return Reason::kTimeout;
    default: return Reason::kUnknown;
  }
}

// Reasons that the API has and we do not (ServerTimeout, StoreReadError, …) go by their code.
Reason reason_of(std::string_view text, int code) {
  for (const Reason reason : kReasons) {
    if (to_string(reason) == text) return reason;
  }
  if (text == "ServerTimeout") return Reason::kTimeout;
  return reason_of_code(code);
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

std::vector<Cause> causes_of(const json::object& status) {
  std::vector<Cause> out;
  const json::object* details = object_in(status, "details");
  const json::value* causes = details == nullptr ? nullptr : details->if_contains("causes");
  if (causes == nullptr || !causes->is_array()) return out;
  for (const json::value& each : causes->get_array()) {
    if (const json::object* cause = each.if_object()) out.push_back({text_of(*cause, "field"), text_of(*cause, "message")});
  }
  return out;
}

void add_terms(std::string& out, const std::vector<std::pair<std::string, std::string>>& terms, std::string_view op) {
  for (const auto& [field, value] : terms) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}{}{}", field, op, value);
  }
}

}  // namespace

std::string collection_path(const kube::Kind& kind, const std::string& name_space) {
  std::string out = kind.group.empty() ? fmt::format("/api/{}", kind.version)
                                       : fmt::format("/apis/{}/{}", kind.group, kind.version);
  if (kind.scope == kube::Scope::kNamespaced && !name_space.empty()) out += "/namespaces/" + percent_encode(name_space);
  out += '/';
  out += kind.resource;
  return out;
}

std::string object_path(const kube::Kind& kind, const kube::ObjectKey& key, std::string_view subresource) {
  std::string out = collection_path(kind, key.namespace_) + "/" + percent_encode(key.name);
  if (!subresource.empty()) {
    out += '/';
    out += subresource;
  }
  return out;
}

std::string_view subresource_name(kube::Subresource subresource) {
  switch (subresource) {
    case kube::Subresource::kNone: return "";
    case kube::Subresource::kStatus: return "status";
    case kube::Subresource::kFinalize: return "finalize";
    case kube::Subresource::kEphemeralContainers: return "ephemeralcontainers";
  }
  return "";
}

std::string_view content_type(kube::PatchType type) {
  switch (type) {
    case kube::PatchType::kJson: return "application/json-patch+json";
    case kube::PatchType::kMerge: return "application/merge-patch+json";
    case kube::PatchType::kStrategicMerge: return "application/strategic-merge-patch+json";
  }
  return "";
}

std::string selectors(const kube::ListOptions& options) {
  std::string out, fields;
  if (!options.labels.matches_everything()) out += "&labelSelector=" + percent_encode(options.labels.to_string());
  add_terms(fields, options.fields, "=");
  add_terms(fields, options.excluded_fields, "!=");
  if (!fields.empty()) out += "&fieldSelector=" + percent_encode(fields);
  return out;
}

json::object delete_options(const kube::RemoveOptions& options) {
  json::object out{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (options.grace_period_seconds) out["gracePeriodSeconds"] = *options.grace_period_seconds;
  switch (options.propagation) {
    case kube::Propagation::kDefault: break;
    case kube::Propagation::kBackground: out["propagationPolicy"] = "Background"; break;
    case kube::Propagation::kForeground: out["propagationPolicy"] = "Foreground"; break;
    case kube::Propagation::kOrphan: out["propagationPolicy"] = "Orphan"; break;
  }
  json::object preconditions;
  if (!options.precondition_uid.empty()) preconditions["uid"] = options.precondition_uid;
  if (!options.precondition_resource_version.empty()) {
    preconditions["resourceVersion"] = options.precondition_resource_version;
  }
  if (!preconditions.empty()) out["preconditions"] = std::move(preconditions);
  return out;
}

Error error_of(const Answer& answer, std::string_view request) {
  const auto value = kube::parse_json(answer.body);
  const json::object* status = value ? value->if_object() : nullptr;
  if (status != nullptr && text_of(*status, "kind") == "Status") {
    Error out{reason_of(text_of(*status, "reason"), answer.status), text_of(*status, "message"), causes_of(*status)};
    if (out.message.empty()) out.message = fmt::format("{}: answered {}", request, answer.status);
    return out;
  }
  return {reason_of_code(answer.status),
          fmt::format("{}: answered {}: {}", request, answer.status, answer.body.substr(0, kMaxQuoted))};
}

std::optional<Duration> retry_after_of(const Answer& answer) {
  const auto value = kube::parse_json(answer.body);
  const json::object* status = value ? value->if_object() : nullptr;
  const json::object* details = status == nullptr ? nullptr : object_in(*status, "details");
  const json::value* seconds = details == nullptr ? nullptr : details->if_contains("retryAfterSeconds");
  if (seconds != nullptr && seconds->is_int64() && seconds->get_int64() > 0) {
    return std::chrono::seconds(std::min<std::int64_t>(seconds->get_int64(), 3600));
  }
  return answer.retry_after;
}

std::uint64_t version_of(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? out : 0;
}

Result<kube::ObjectPtr> object_of(const kube::Kind& kind, const json::value& value) {
  ASSIGN_OR_RETURN(std::unique_ptr<kube::Object> object, kube::object_of_kind(kind, value));
  return kube::ObjectPtr(std::move(object));
}

Result<Page> page_of(const kube::Kind& kind, std::string_view body) {
  ASSIGN_OR_RETURN(const json::value value, kube::parse_json(body));
  const json::object* list = value.if_object();
  const json::object* metadata = list == nullptr ? nullptr : object_in(*list, "metadata");
  if (metadata == nullptr) return fail(Reason::kInvalid, fmt::format("no list of {}: metadata is missing", kind.resource));
  Page out;
  out.list.resource_version = version_of(text_of(*metadata, "resourceVersion"));
  out.continue_ = text_of(*metadata, "continue");
  const json::value* items = list->if_contains("items");
  if (items == nullptr || !items->is_array()) return out;
  out.list.items.reserve(items->get_array().size());
  for (const json::value& each : items->get_array()) {
    if (auto object = object_of(kind, each)) {
      out.list.items.push_back(std::move(*object));
    } else {
      out.unreadable.push_back(std::move(object).error().message);
    }
  }
  return out;
}

}  // namespace minato::kube_http
