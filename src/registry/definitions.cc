#include "registry/definitions.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::registry {

using kube::CustomResourceDefinition;
using kube::CustomResourceDefinitionCondition;
using kube::CustomResourceDefinitionNames;

namespace {

void set_condition(CustomResourceDefinition& definition, CustomResourceDefinitionCondition wanted) {
  auto& all = definition.status.conditions;
  const auto found =
      std::ranges::find(all, wanted.type, &CustomResourceDefinitionCondition::type);
  if (found == all.end()) {
    all.push_back(std::move(wanted));
    return;
  }
  if (found->status == wanted.status) wanted.last_transition_time = found->last_transition_time;
  *found = std::move(wanted);
}

// What the other definitions of a group have taken.
struct Taken {
  std::vector<std::string> resources;  // Plural, singular and short names share one space.
  std::vector<std::string> kinds;      // So do kinds and kinds of lists.
};

Taken taken_by_others(const CustomResourceDefinition& definition, const store::Store& store) {
  Taken out;
  for (const auto& [key, object] : store.all(CustomResourceDefinition::static_kind())) {
    const auto& other = kube::as<CustomResourceDefinition>(*object);
    if (key.name == definition.metadata.name || other.spec.group != definition.spec.group) continue;
    const CustomResourceDefinitionNames& names = other.status.accepted_names;
    out.resources.insert(out.resources.end(), {names.plural, names.singular});
    out.resources.insert(out.resources.end(), names.short_names.begin(), names.short_names.end());
    out.kinds.insert(out.kinds.end(), {names.kind, names.list_kind});
  }
  return out;
}

// Accepts names one by one and remembers the first that it could not.
class Acceptance {
 public:
  void take(std::string& accepted, const std::string& wanted, const std::vector<std::string>& taken,
            std::string_view why) {
    if (is_free(wanted, taken, why)) accepted = wanted;
  }
  void take(std::vector<std::string>& accepted, const std::vector<std::string>& wanted,
            const std::vector<std::string>& taken, std::string_view why) {
    const bool free = std::ranges::all_of(
        wanted, [&](const std::string& name) { return is_free(name, taken, why); });
    if (free) accepted = wanted;
  }
  std::string reason, message;

 private:
  bool is_free(const std::string& name, const std::vector<std::string>& taken,
               std::string_view why) {
    if (name.empty() || std::ranges::find(taken, name) == taken.end()) return true;
    if (reason.empty()) {
      reason = why;
      message = fmt::format("\"{}\" is already in use", name);
    }
    return false;
  }
};

void remember_storage(CustomResourceDefinition& definition) {
  auto& stored = definition.status.stored_versions;
  for (const kube::CustomResourceDefinitionVersion& version : definition.spec.versions) {
    if (version.storage && std::ranges::find(stored, version.name) == stored.end())
      stored.push_back(version.name);
  }
}

}  // namespace

void complete_definition(CustomResourceDefinition& definition, const store::Store& store,
                         kube::Time now) {
  const Taken taken = taken_by_others(definition, store);
  const CustomResourceDefinitionNames& wanted = definition.spec.names;
  CustomResourceDefinitionNames& accepted = definition.status.accepted_names;
  Acceptance acceptance;
  acceptance.take(accepted.plural, wanted.plural, taken.resources, "PluralConflict");
  acceptance.take(accepted.singular, wanted.singular, taken.resources, "SingularConflict");
  acceptance.take(accepted.short_names, wanted.short_names, taken.resources, "ShortNamesConflict");
  acceptance.take(accepted.kind, wanted.kind, taken.kinds, "KindConflict");
  acceptance.take(accepted.list_kind, wanted.list_kind, taken.kinds, "ListKindConflict");
  accepted.categories = wanted.categories;
  const bool all = acceptance.reason.empty();
  set_condition(definition,
                {.type = std::string(kube::kCrdNamesAccepted), .status = all ? "True" : "False",
                 .last_transition_time = now, .reason = all ? "NoConflicts" : acceptance.reason,
                 .message = all ? "no conflicts found" : acceptance.message});
  if (!has_condition(definition, kube::kCrdEstablished)) {
    set_condition(definition,
                  {.type = std::string(kube::kCrdEstablished), .status = all ? "True" : "False",
                   .last_transition_time = now,
                   .reason = all ? "InitialNamesAccepted" : "NotAccepted",
                   .message = all ? "the initial names have been accepted"
                                  : "not all names are accepted"});
  }
  remember_storage(definition);
}

void set_terminating(CustomResourceDefinition& definition, kube::Time now) {
  set_condition(definition, {.type = std::string(kube::kCrdTerminating), .status = "True",
                             .last_transition_time = now, .reason = "InstanceDeletionPending",
                             .message = "CustomResourceDefinition marked for deletion; "
                                        "CustomResource deletion will begin soon"});
}

}  // namespace minato::registry
