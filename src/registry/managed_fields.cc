#include "registry/managed_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/field_set.h"
#include "kube/json.h"

namespace minato::registry {
namespace json = boost::json;

using kube::FieldSet;
using kube::ManagedFieldsEntry;

namespace {

constexpr std::string_view kApply = "Apply";
constexpr std::string_view kUpdate = "Update";

FieldSet set_of(const ManagedFieldsEntry& entry) {
  if (!entry.fields_v1) return {};
  return FieldSet::parse(entry.fields_v1->text).value_or(FieldSet());
}

void store_set(ManagedFieldsEntry& entry, const FieldSet& set) {
  entry.fields_v1 = kube::RawJson{set.to_fields_v1()};
}

bool is_of(const ManagedFieldsEntry& entry, const Owner& owner, std::string_view operation) {
  return entry.manager == owner.manager && entry.operation == operation &&
         entry.subresource == owner.subresource;
}

ManagedFieldsEntry& entry_for(kube::Object& object, const Owner& owner, std::string_view operation) {
  auto& entries = object.metadata.managed_fields;
  const auto found = std::ranges::find_if(
      entries, [&](const ManagedFieldsEntry& entry) { return is_of(entry, owner, operation); });
  if (found != entries.end()) return *found;
  ManagedFieldsEntry& made = entries.emplace_back();
  made.manager = owner.manager;
  made.subresource = owner.subresource;
  made.operation = operation;
  made.api_version = object.kind().api_version();
  made.fields_type = "FieldsV1";
  return made;
}

Owner owner_of(const ApplyOptions& options) { return {options.manager, options.subresource}; }

// From everybody but one entry; entries that own nothing any more go.
void take_from_others(kube::Object& object, const Owner& owner, std::string_view operation,
                      const FieldSet& fields) {
  auto& entries = object.metadata.managed_fields;
  for (ManagedFieldsEntry& entry : entries) {
    if (is_of(entry, owner, operation)) continue;
    FieldSet set = set_of(entry);
    set.subtract(fields);
    store_set(entry, set);
  }
  std::erase_if(entries, [](const ManagedFieldsEntry& entry) { return set_of(entry).empty(); });
}

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// Fields of the configuration that somebody else owns and wants otherwise.
Status check_conflicts(const kube::Object& live, const FieldSet& changed,
                       const ApplyOptions& options) {
  std::vector<Cause> causes;
  std::vector<std::string> lines;
  for (const ManagedFieldsEntry& entry : live.metadata.managed_fields) {
    if (is_of(entry, owner_of(options), kApply)) continue;
    for (const std::string& path : set_of(entry).intersected(changed).paths()) {
      const std::string who = fmt::format(
          "conflict with \"{}\"{} using {}", entry.manager,
          entry.subresource.empty() ? ""
                                    : fmt::format(" with subresource \"{}\"", entry.subresource),
          entry.api_version);
      causes.push_back({path, who});
      lines.push_back(fmt::format("{}: {}", who, path));
    }
  }
  if (causes.empty()) return {};
  std::string message = fmt::format("Apply failed with {} conflict{}: ", causes.size(),
                                    causes.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < lines.size(); ++i) message += (i > 0 ? ", " : "") + lines[i];
  return std::unexpected(Error{Reason::kConflict, std::move(message), std::move(causes)});
}

// kubectl may take over, without force, what its client-side apply last set.
// Rule: k8s.io/apimachinery pkg/util/managedfields/internal/lastappliedmanager.go.
FieldSet last_applied(const kube::Object& live, const ApplyOptions& options) {
  const auto found =
      live.metadata.annotations.find("kubectl.kubernetes.io/last-applied-configuration");
  if (options.manager != "kubectl" || found == live.metadata.annotations.end()) return {};
  const auto config = kube::parse_json(found->second);
  return config && config->is_object() ? kube::fields_of(kube::Typing(live.kind()), *config) : FieldSet();
}

// What this manager applied before, does not any more, and nobody else owns.
FieldSet abandoned(const kube::Object& live, const FieldSet& applied, const ApplyOptions& options) {
  FieldSet out;
  for (const ManagedFieldsEntry& entry : live.metadata.managed_fields) {
    if (is_of(entry, owner_of(options), kApply)) out = set_of(entry);
  }
  out.subtract(applied);
  for (const ManagedFieldsEntry& entry : live.metadata.managed_fields) {
    if (!is_of(entry, owner_of(options), kApply)) out.subtract(set_of(entry));
  }
  return out;
}

Status check_config(const kube::Kind& kind, const json::value& config) {
  if (!config.is_object())
    return fail(Reason::kBadRequest, "the applied configuration is not an object");
  if (text_member(config.get_object(), "apiVersion") != kind.api_version() ||
      text_member(config.get_object(), "kind") != kind.kind) {
    return fail(Reason::kBadRequest,
                fmt::format("the applied configuration must say apiVersion: {} and kind: {}",
                            kind.api_version(), kind.kind));
  }
  const json::value* metadata = config.get_object().if_contains("metadata");
  if (metadata != nullptr && metadata->is_object() &&
      metadata->get_object().contains("managedFields")) {
    return fail(Reason::kBadRequest, "metadata.managedFields must be nil");
  }
  return {};
}

// What a request can change by the way it came.
void keep_part(FieldSet& fields, const Owner& owner) {
  const bool is_status = owner.subresource == "status";
  std::erase_if(fields.children_,
                [&](const auto& child) { return (child.first == "f:status") != is_status; });
}

// What is there without a known owner belongs to somebody all the same.
std::unique_ptr<kube::Object> with_first_owner(const kube::Object& live) {
  auto out = live.clone();
  ManagedFieldsEntry& entry = entry_for(*out, {"before-first-apply", {}}, kUpdate);
  store_set(entry, kube::fields_of(kube::Typing(live.kind()), kube::to_json_value(live)));
  entry.time = live.metadata.creation_timestamp;
  return out;
}

}  // namespace

// All that a new object has is its maker's.
void track_creation(kube::Object& object, std::string fields_v1, const Owner& owner, kube::Time now) {
  object.metadata.managed_fields.clear();
  if (fields_v1 == "{}") return;
  ManagedFieldsEntry& entry = entry_for(object, owner, kUpdate);
  entry.fields_v1 = kube::RawJson{std::move(fields_v1)};
  entry.time = now;
}

void track_update(const kube::Object* before, kube::Object& after, const Owner& owner,
                  kube::Time now) {
  if (before == nullptr && !after.kind().custom)
    return track_creation(after, kube::fields_v1_of(after), owner, now);
  const kube::Typing type(after.kind());
  FieldSet changed, removed;
  if (before == nullptr) {
    after.metadata.managed_fields.clear();
    changed = kube::compare_fields(type, json::object(), kube::to_json_value(after)).changed;
  } else {
    if (after.metadata.managed_fields.empty())
      after.metadata.managed_fields = before->metadata.managed_fields;
    kube::FieldChanges changes =
        kube::compare_fields(type, kube::to_json_value(*before), kube::to_json_value(after));
    changed = std::move(changes.changed);
    removed = std::move(changes.removed);
  }
  keep_part(changed, owner);
  keep_part(removed, owner);
  if (changed.empty() && removed.empty()) return;
  FieldSet gone = changed;
  gone.unite(removed);
  take_from_others(after, owner, kUpdate, gone);
  ManagedFieldsEntry& entry = entry_for(after, owner, kUpdate);
  FieldSet own = set_of(entry);
  own.subtract(removed);
  own.unite(changed);
  store_set(entry, own);
  entry.time = now;
  std::erase_if(after.metadata.managed_fields,
                [](const ManagedFieldsEntry& other) { return set_of(other).empty(); });
}

Result<std::unique_ptr<kube::Object>> apply_config(const kube::Kind& kind, const kube::Object* live,
                                                   json::value config, const ApplyOptions& options,
                                                   kube::Time now) {
  RETURN_IF_ERROR(check_config(kind, config));
  if (live != nullptr && live->metadata.managed_fields.empty()) {
    return apply_config(kind, with_first_owner(*live).get(), std::move(config), options, now);
  }
  const kube::Typing type(kind);
  FieldSet applied = kube::fields_of(type, config);
  keep_part(applied, owner_of(options));
  std::unique_ptr<kube::Object> out;
  if (live == nullptr) {
    ASSIGN_OR_RETURN(out, kube::object_of_kind(kind, config));
  } else {
    const json::value before = kube::to_json_value(*live);
    json::value merged = kube::merge_config(type, before, config);
    // Compared as objects, so that "1" and "1000m" or a default written out are no change.
    ASSIGN_OR_RETURN(const auto as_merged, kube::object_of_kind(kind, merged));
    const FieldSet changed =
        kube::compare_fields(type, before, kube::to_json_value(*as_merged)).changed;
    FieldSet disputed = changed;
    disputed.subtract(last_applied(*live, options));
    if (!options.force) RETURN_IF_ERROR(check_conflicts(*live, disputed, options));
    kube::remove_fields(type, merged, abandoned(*live, applied, options));
    ASSIGN_OR_RETURN(out, kube::object_of_kind(kind, merged));
    out->metadata.managed_fields = live->metadata.managed_fields;
    take_from_others(*out, owner_of(options), kApply, changed);
  }
  ManagedFieldsEntry& entry = entry_for(*out, owner_of(options), kApply);
  if (set_of(entry).to_fields_v1() != applied.to_fields_v1()) entry.time = now;
  store_set(entry, applied);
  return out;
}

}  // namespace minato::registry
