#include "registry/filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::registry {

using kube::Object;
using kube::WatchEvent;
using kube::WatchEventType;

namespace {

constexpr FieldSelectorEntry kCommonFields[] = {
    {"metadata.name", [](const Object& object) { return object.metadata.name; }},
    {"metadata.namespace", [](const Object& object) { return object.metadata.namespace_; }},
};

const FieldSelectorEntry* find_field(std::span<const FieldSelectorEntry> fields,
                                     std::string_view name) {
  const auto found = std::ranges::find(fields, name, &FieldSelectorEntry::name);
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace

Result<Filter> Filter::make(const kube::Kind& kind, const Strategy& strategy,
                            const kube::ListOptions& options) {
  Filter out;
  out.namespace_ = options.namespace_;
  out.labels_ = options.labels;
  const auto add = [&](const auto& terms, bool equal) -> Status {
    for (const auto& [name, value] : terms) {
      const FieldSelectorEntry* field = find_field(kCommonFields, name);
      if (field == nullptr) field = find_field(strategy.fields, name);
      if (field == nullptr) {
        return fail(Reason::kBadRequest,
                    fmt::format("field label not supported for {}: {}", kind.kind, name));
      }
      out.fields_.push_back({field->value, value, equal});
    }
    return {};
  };
  RETURN_IF_ERROR(add(options.fields, true));
  RETURN_IF_ERROR(add(options.excluded_fields, false));
  return out;
}

bool Filter::matches(const Object& object) const {
  if (!namespace_.empty() && object.metadata.namespace_ != namespace_) return false;
  for (const Term& term : fields_) {
    if ((term.value_of(object) == term.value) != term.equal) return false;
  }
  return labels_.matches(object.metadata.labels);
}

std::optional<WatchEvent> filtered(const Filter& filter, const store::Event& event) {
  const bool before = event.previous && filter.matches(*event.previous);
  if (event.type == WatchEventType::kDeleted) {
    if (!before) return std::nullopt;
    return WatchEvent{WatchEventType::kDeleted, event.object, event.resource_version};
  }
  const bool after = filter.matches(*event.object);
  if (after) {
    return WatchEvent{before ? WatchEventType::kModified : WatchEventType::kAdded, event.object,
                      event.resource_version};
  }
  if (!before) return std::nullopt;
  auto last = event.previous->clone();
  last->metadata.resource_version = event.object->metadata.resource_version;
  return WatchEvent{WatchEventType::kDeleted, std::move(last), event.resource_version};
}

}  // namespace minato::registry
