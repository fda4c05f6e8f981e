#include "apiserver/writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "apiserver/prepared.h"
#include "apiserver/yaml.h"
#include "base/strings.h"
#include "kube/types/coordination.h"
#include "kube/types/custom_resource.h"
#include "registry/managed_fields.h"

namespace minato::apiserver {

using kube::ObjectPtr;
using registry::Persist;

namespace {

constexpr std::string_view kStrict = "Strict";
constexpr std::size_t kMaxManager = 128;  // Of a field manager's name, in bytes.

// Name and namespace of the body must be those of the path; left out they are taken from there.
Status place(const Call& call, kube::Object& object, bool has_name) {
  kube::ObjectMeta& metadata = object.metadata;
  if (!call.served->namespaced) {
    if (!metadata.namespace_.empty()) {
      return minato::fail(Reason::kBadRequest, "namespace is not allowed on this type");
    }
  } else if (call.info.namespace_.empty()) {
    return minato::fail(Reason::kMethodNotAllowed,
                        "the server does not allow this method on the requested resource");
  } else if (metadata.namespace_.empty()) {
    metadata.namespace_ = call.info.namespace_;
  } else if (metadata.namespace_ != call.info.namespace_) {
    return minato::fail(
        Reason::kBadRequest,
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  if (!has_name) return {};
  if (metadata.name.empty()) metadata.name = call.info.name;
  if (metadata.name == call.info.name) return {};
  return minato::fail(
      Reason::kBadRequest,
      fmt::format("the name of the object ({}) does not match the name on the URL ({})",
                  metadata.name, call.info.name));
}

// Lease and Event may come about by an update, as upstream allows it.
bool creates_on_update(const kube::Kind& kind) {
  return kind == kube::Lease::static_kind() || kind.resource == "events";
}

// Kinds whose objects change nothing in this cluster.
bool is_stored_only(const kube::Kind& kind) {
  constexpr std::string_view kResources[] = {
      "cronjobs",  "endpoints", "ingresses", "jobs", "limitranges", "podtemplates",
      "persistentvolumeclaims", "persistentvolumes", "replicationcontrollers",
      "resourcequotas", "statefulsets", "certificatesigningrequests", "volumeattachments"};
  return std::ranges::find(kResources, kind.resource) != std::end(kResources);
}

// What of a definition is kept and does nothing here.
void warn_of_definition(Call& call, const kube::CustomResourceDefinition& definition) {
  const kube::CustomResourceDefinitionSpec& spec = definition.spec;
  if (spec.conversion && spec.conversion->strategy == "Webhook") {
    call.warnings.emplace_back(
        "spec.conversion: webhooks are not called: objects are served as they are stored");
  }
  for (const kube::CustomResourceDefinitionVersion& version : spec.versions) {
    const bool has_rules = version.schema && version.schema->open_api_v3_schema &&
                           version.schema->open_api_v3_schema->text.find(
                               "\"x-kubernetes-validations\"") != std::string::npos;
    if (has_rules) {
      call.warnings.push_back(fmt::format(
          "spec.versions[{}]: x-kubernetes-validations rules are kept, but not evaluated here",
          version.name));
    }
    if (!version.selectable_fields.empty()) {
      call.warnings.push_back(fmt::format(
          "spec.versions[{}]: selectableFields are kept, but cannot be selected by here",
          version.name));
    }
  }
}

Result<kube::PatchType> patch_type(std::string_view content_type, const kube::Kind& kind) {
  const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
  if (type == "application/json-patch+json") return kube::PatchType::kJson;
  if (type == "application/merge-patch+json") return kube::PatchType::kMerge;
  // Nothing says how the lists of a custom kind merge.
  const bool is_custom = kind.custom != nullptr;
  if (type == "application/strategic-merge-patch+json" && !is_custom)
    return kube::PatchType::kStrategicMerge;
  return minato::fail(
      Reason::kUnsupportedMediaType,
      fmt::format("the body of the request was in an unknown format - accepted media types include: "
                  "application/json-patch+json, application/merge-patch+json, {}"
                  "application/apply-patch+yaml",
                  is_custom ? "" : "application/strategic-merge-patch+json, "));
}

bool is_apply(const Call& call) {
  return call.request.header("Content-Type").starts_with("application/apply-patch+yaml");
}

// The owner of what this request sets: its own word, else the program's name.
Result<std::string> manager_of(const Call& call) {
  if (const std::string_view asked = call.url.parameter("fieldManager"); !asked.empty()) {
    if (asked.size() <= kMaxManager) return std::string(asked);
    return minato::fail(Reason::kInvalid,
                        fmt::format("fieldManager: Too long: may not be more than {} bytes", kMaxManager));
  }
  const std::string_view agent = call.request.header("User-Agent");
  return agent.empty() ? "unknown" : std::string(agent.substr(0, std::min(agent.find('/'), kMaxManager)));
}

// The object that a create brings; taken out of what was prepared.
Result<ReadObject> read_new(const Call& call) {
  Prepared* prepared = call.request.prepared.get();
  if (prepared != nullptr && prepared->body && prepared->kind == &call.kind())
    return *std::exchange(prepared->body, std::nullopt);
  return read_with_findings(call.request, call.kind());
}

Result<kube::Propagation> propagation_of(std::string_view text) {
  if (text.empty()) return kube::Propagation::kDefault;
  if (text == "Background") return kube::Propagation::kBackground;
  if (text == "Foreground") return kube::Propagation::kForeground;
  if (text == "Orphan") return kube::Propagation::kOrphan;
  return minato::fail(
      Reason::kInvalid,
      fmt::format(
          "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: "
          "\"{}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
          text));
}

}  // namespace

std::optional<kube::Subresource> written_subresource(const std::string& name) {
  if (name.empty()) return kube::Subresource::kNone;
  if (name == "status") return kube::Subresource::kStatus;
  if (name == "finalize") return kube::Subresource::kFinalize;
  if (name == "ephemeralcontainers") return kube::Subresource::kEphemeralContainers;
  return std::nullopt;
}

Status check_fields(Call& call, kube::Object& object, const std::vector<std::string>& findings) {
  const std::string_view mode = call.url.parameter("fieldValidation");
  if (!mode.empty() && mode != kStrict && mode != "Warn" && mode != "Ignore") {
    return minato::fail(Reason::kInvalid,
                        fmt::format("fieldValidation: Unsupported value: \"{}\": supported values: "
                                    "\"Ignore\", \"Strict\", \"Warn\"",
                                    mode));
  }
  if (findings.empty()) return {};
  if (mode == kStrict) {
    const kube::Kind& kind = object.kind();
    return minato::fail(
        Reason::kBadRequest,
        fmt::format("{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
                    kind.kind, kind.version, kind.kind, join(findings, ", ")));
  }
  if (mode != "Ignore") call.warnings.insert(call.warnings.end(), findings.begin(), findings.end());
  // What nobody knows is not kept; schemas prune custom objects by themselves.
  if (!object.kind().custom) kube::drop_unknown(object.kind().type(), object.self());
  return {};
}

Result<Removal> to_removal(const kube::DeleteOptions& options) {
  Removal out;
  out.options.grace_period_seconds = options.grace_period_seconds;
  ASSIGN_OR_RETURN(out.options.propagation,
                   propagation_of(options.propagation_policy.value_or("")));
  if (options.orphan_dependents) {
    if (options.propagation_policy) {
      return minato::fail(Reason::kInvalid,
                          "propagationPolicy: Forbidden: orphanDependents and deletionPropagation "
                          "cannot be both set");
    }
    out.options.propagation =
        *options.orphan_dependents ? kube::Propagation::kOrphan : kube::Propagation::kBackground;
  }
  if (options.preconditions) {
    out.options.precondition_uid = options.preconditions->uid.value_or("");
    out.options.precondition_resource_version =
        options.preconditions->resource_version.value_or("");
  }
  for (const std::string& value : options.dry_run) {
    if (value != "All")
      return minato::fail(
          Reason::kInvalid,
          fmt::format("dryRun: Unsupported value: \"{}\": supported values: \"All\"", value));
    out.persist = Persist::kDryRun;
  }
  return out;
}

// A body wins over the query, as upstream reads the query only when there is no body; clients that
// send both say the same in both. A dry run in either is one: doing less is the safe reading.
Result<Removal> read_removal(const Call& call) {
  ASSIGN_OR_RETURN(auto options, read_message<kube::DeleteOptions>(call.request));
  if (!options.grace_period_seconds && call.url.has("gracePeriodSeconds")) {
    const auto seconds = parse_int(call.url.parameter("gracePeriodSeconds"));
    if (!seconds)
      return minato::fail(Reason::kBadRequest, "gracePeriodSeconds: " + seconds.error().message);
    options.grace_period_seconds = *seconds;
  }
  if (!options.propagation_policy && !options.orphan_dependents &&
      call.url.has("propagationPolicy")) {
    options.propagation_policy = std::string(call.url.parameter("propagationPolicy"));
  }
  if (!options.propagation_policy && !options.orphan_dependents &&
      call.url.has("orphanDependents")) {
    options.orphan_dependents = call.url.flag("orphanDependents");
  }
  ASSIGN_OR_RETURN(Removal out, to_removal(options));
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  if (persist == Persist::kDryRun) out.persist = persist;
  return out;
}

void Writes::answer(const Call& call, const Result<Written>& written) const {
  if (!written) return call.fail(written.error());
  call.answer_object(written->object, registry_.store(), env_.clock.wall(), written->created ? 201 : 200);
}

void Writes::create(const CallPtr& call) { answer(*call, do_create(*call)); }
void Writes::update(const CallPtr& call) { answer(*call, do_update(*call)); }
void Writes::patch(const CallPtr& call) { answer(*call, do_patch(*call)); }

Status Writes::may_create(const Call& call) const {
  RequestInfo info = call.info;
  info.verb = "create";
  if (authorizer_.authorize(call.user, info).allowed) return {};
  return minato::fail(Reason::kForbidden,
                      fmt::format("{} \"{}\" is forbidden: {}", call.kind().group_resource(),
                                  call.info.name, denial(call.user, info)));
}

Status Writes::check_grant(const Call& call, const kube::Object& object) const {
  if (call.user.is_in(kMasters)) return {};
  return authorizer_.check_escalation(call.user, object);
}

Result<Writes::Written> Writes::do_create(Call& call) {
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  ASSIGN_OR_RETURN(ReadObject read, read_new(call));
  std::unique_ptr<kube::Object> object = std::move(read.object);
  RETURN_IF_ERROR(place(call, *object, false));
  RETURN_IF_ERROR(check_fields(call, *object, read.findings));
  RETURN_IF_ERROR(check_grant(call, *object));
  if (is_stored_only(call.kind())) {
    call.warnings.push_back(fmt::format("no controller acts on {} here: the object is stored only",
                                        call.kind().group_resource()));
  }
  if (call.kind() == kube::CustomResourceDefinition::static_kind())
    warn_of_definition(call, kube::as<kube::CustomResourceDefinition>(*object));
  call.info.name = object->metadata.name;
  ASSIGN_OR_RETURN(const std::string manager, manager_of(call));
  if (read.fields_v1.empty()) {
    registry::fill_defaults(*object);
    registry::track_update(nullptr, *object, {manager, {}}, env_.clock.wall());
  } else {
    registry::track_creation(*object, std::move(read.fields_v1), {manager, {}}, env_.clock.wall());
  }
  ASSIGN_OR_RETURN(ObjectPtr created, registry_.create(std::move(object), persist, read.bytes));
  return Written{std::move(created), true};
}

Result<Writes::Written> Writes::do_update(Call& call) {
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  const auto subresource = written_subresource(call.info.subresource);
  ASSIGN_OR_RETURN(ReadObject read, read_with_findings(call.request, call.kind()));
  std::unique_ptr<kube::Object> object = std::move(read.object);
  if (object->metadata.name.empty())
    return minato::fail(Reason::kBadRequest, "the object of an update needs its metadata.name");
  RETURN_IF_ERROR(place(call, *object, true));
  RETURN_IF_ERROR(check_fields(call, *object, read.findings));
  const bool is_new = subresource == kube::Subresource::kNone && creates_on_update(call.kind()) &&
                      object->metadata.uid.empty() && !registry_.get(call.kind(), call.key());
  RETURN_IF_ERROR(check_grant(call, *object));
  if (is_new) {
    RETURN_IF_ERROR(may_create(call));
    object->metadata.resource_version.clear();
    ASSIGN_OR_RETURN(const std::string manager, manager_of(call));
    registry::fill_defaults(*object);
    registry::track_update(nullptr, *object, {manager, {}}, env_.clock.wall());
    ASSIGN_OR_RETURN(ObjectPtr created, registry_.create(std::move(object), persist));
    return Written{std::move(created), true};
  }
  return replace(call, std::move(object), *subresource, persist);
}

Result<Writes::Written> Writes::replace(Call& call, std::unique_ptr<kube::Object> object,
                                        kube::Subresource subresource, Persist persist) {
  RETURN_IF_ERROR(track(call, *object, subresource));
  ASSIGN_OR_RETURN(ObjectPtr updated, registry_.update(std::move(object), subresource, persist));
  return Written{std::move(updated), false};
}

// Defaults are what this request sets too; what the registry sets by itself has no owner.
Status Writes::track(const Call& call, kube::Object& object, kube::Subresource subresource) const {
  const bool is_tracked =
      subresource == kube::Subresource::kNone || subresource == kube::Subresource::kStatus;
  if (!is_tracked) return {};
  ASSIGN_OR_RETURN(const std::string manager, manager_of(call));
  ASSIGN_OR_RETURN(const ObjectPtr stored, registry_.get(object.kind(), object.key()));
  const ObjectPtr before = shown_as(call.kind(), stored);
  registry::fill_defaults(object);
  registry::track_update(before.get(), object, {manager, call.info.subresource}, env_.clock.wall());
  return {};
}

Result<Writes::Written> Writes::do_apply(Call& call) {
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  const auto subresource = written_subresource(call.info.subresource);
  if (call.url.parameter("fieldManager").empty()) {
    return minato::fail(Reason::kInvalid,
                        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: "
                        "is required for apply patch");
  }
  auto config = parse_yaml(call.request.body);
  if (!config || !config->is_object()) {
    return minato::fail(
        Reason::kBadRequest,
        "error decoding YAML: " + (config ? std::string("not an object") : config.error().message));
  }
  auto live = registry_.get(call.kind(), call.key());
  if (live) live = shown_as(call.kind(), *live);
  if (!live && subresource != kube::Subresource::kNone) return std::unexpected(live.error());
  ASSIGN_OR_RETURN(const std::string manager, manager_of(call));
  ASSIGN_OR_RETURN(auto object, registry::apply_config(
                                    call.kind(), live ? live->get() : nullptr, std::move(*config),
                                    {manager, call.url.flag("force"), call.info.subresource},
                                    env_.clock.wall()));
  RETURN_IF_ERROR(place(call, *object, true));
  if (!live && !object->metadata.uid.empty()) {
    return minato::fail(Reason::kConflict,
                        fmt::format("{} \"{}\" is asked for by uid {}, and there is none",
                                    call.kind().group_resource(), call.info.name, object->metadata.uid));
  }
  RETURN_IF_ERROR(check_fields(call, *object, unknown_fields(*object)));
  RETURN_IF_ERROR(check_grant(call, *object));
  if (!live) {
    RETURN_IF_ERROR(may_create(call));
    ASSIGN_OR_RETURN(ObjectPtr created, registry_.create(std::move(object), persist));
    return Written{std::move(created), true};
  }
  ASSIGN_OR_RETURN(ObjectPtr updated, registry_.update(std::move(object), *subresource, persist));
  return Written{std::move(updated), false};
}

Result<Writes::Written> Writes::do_patch(Call& call) {
  if (is_apply(call)) return do_apply(call);
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  ASSIGN_OR_RETURN(const kube::PatchType type, patch_type(call.request.header("Content-Type"), call.kind()));
  if (call.url.flag("force")) {
    return minato::fail(Reason::kInvalid, "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: "
                                          "only an apply patch can force");
  }
  const auto subresource = written_subresource(call.info.subresource);
  ASSIGN_OR_RETURN(auto object,
                   registry_.patched(call.kind(), call.key(), type, call.request.body));
  if (const Status known = check_fields(call, *object, unknown_fields(*object)); !known) {
    // What is wrong is the patch, not the object; clients show the causes of what is invalid.
    Error error = known.error();
    error.reason = Reason::kInvalid;
    if (error.causes.empty()) error.causes.push_back({"patch", "Invalid value: \"\": " + error.message});
    return std::unexpected(std::move(error));
  }
  ASSIGN_OR_RETURN(const ObjectPtr stored, registry_.get(call.kind(), call.key()));
  if (object->metadata.uid != stored->metadata.uid) {
    Error error{Reason::kInvalid, fmt::format("{} \"{}\" is invalid: metadata.uid: field is immutable",
                                              call.kind().group_resource(), call.info.name)};
    error.causes.push_back({"metadata.uid", fmt::format("Invalid value: \"{}\": field is immutable",
                                                        object->metadata.uid)});
    return std::unexpected(std::move(error));
  }
  RETURN_IF_ERROR(check_grant(call, *object));
  return replace(call, std::move(object), *subresource, persist);
}

// The object when it is still there (or would be), null when it is gone.
Result<ObjectPtr> Writes::do_remove(const Call& call) {
  ASSIGN_OR_RETURN(const Removal removal, read_removal(call));
  ASSIGN_OR_RETURN(const ObjectPtr before, registry_.get(call.kind(), call.key()));
  RETURN_IF_ERROR(registry_.remove(call.kind(), call.key(), removal.options, removal.persist));
  if (removal.persist == Persist::kDryRun) return before;
  const auto after = registry_.get(call.kind(), call.key());
  if (after && (*after)->metadata.uid == before->metadata.uid) return *after;
  // Pods and what else upstream hands back on deletion; the rest gets a Status.
  const bool is_returned = call.info.resource == "pods" || call.info.resource == "services" ||
                           call.info.resource == "serviceaccounts";
  return is_returned ? before : nullptr;
}

void Writes::remove(const CallPtr& call) {
  const auto before = registry_.get(call->kind(), call->key());
  const auto left = do_remove(*call);
  if (!left) return call->fail(left.error());
  if (*left) return call->answer_object(*left, registry_.store(), env_.clock.wall());
  Subject gone = call->subject();
  if (before) gone.uid = (*before)->metadata.uid;
  call->answer(success(gone));
}

Result<std::int64_t> Writes::do_remove_collection(const Call& call) {
  ASSIGN_OR_RETURN(const Removal removal, read_removal(call));
  ASSIGN_OR_RETURN(const kube::ListOptions options, list_options(call));
  ASSIGN_OR_RETURN(const kube::ObjectList found, registry_.list(call.kind(), options));
  for (const ObjectPtr& object : found.items) {
    RETURN_IF_ERROR(ignore_not_found(
        registry_.remove(call.kind(), object->key(), removal.options, removal.persist)));
  }
  return static_cast<std::int64_t>(found.items.size());
}

void Writes::remove_collection(const CallPtr& call) {
  const auto removed = do_remove_collection(*call);
  if (!removed) return call->fail(removed.error());
  call->answer(success(call->subject()));
}

}  // namespace minato::apiserver
