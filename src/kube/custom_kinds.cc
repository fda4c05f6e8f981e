// From CustomResourceDefinitions to Kinds.
#include <algorithm>
#include <tuple>

#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/json.h"
#include "kube/kinds.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

std::optional<CustomVersion::Scale> read_scale(const CustomResourceDefinitionVersion& version) {
  if (!version.subresources || !version.subresources->scale) return std::nullopt;
  const CustomResourceSubresourceScale& from = *version.subresources->scale;
  auto spec = JsonPath::parse(from.spec_replicas_path);
  auto status = JsonPath::parse(from.status_replicas_path);
  if (!spec || !status) return std::nullopt;
  CustomVersion::Scale out{std::move(*spec), std::move(*status), std::nullopt};
  if (from.label_selector_path) {
    if (auto selector = JsonPath::parse(*from.label_selector_path)) out.selector = *selector;
  }
  return out;
}

std::vector<CustomVersion::Column> read_columns(const CustomResourceDefinitionVersion& version) {
  std::vector<CustomVersion::Column> out;
  for (const CustomResourceColumnDefinition& from : version.additional_printer_columns) {
    auto path = JsonPath::parse(from.json_path);
    if (!path) continue;
    out.push_back({from.name, from.type, from.format, from.description, from.priority,
                   std::move(*path)});
  }
  if (out.empty()) {
    out.push_back({"Age", "date", "", "", 0, *JsonPath::parse(".metadata.creationTimestamp")});
  }
  return out;
}

void read_version_schema(const CustomResourceDefinitionVersion& version, CustomVersion& out) {
  if (!version.schema || !version.schema->open_api_v3_schema) return;
  auto source = parse_json(version.schema->open_api_v3_schema->text);
  if (!source) return;
  FieldErrors errors;
  out.schema = read_schema(*source, FieldPath("schema"), errors);
  out.source = std::make_shared<const json::value>(std::move(*source));
}

std::shared_ptr<const CustomVersion> read_version(const CustomResourceDefinition& definition,
                                                  const CustomResourceDefinitionVersion& version) {
  const CustomResourceDefinitionNames& names = definition.status.accepted_names;
  auto out = std::make_shared<CustomVersion>();
  out->list_kind = names.list_kind;
  out->categories = names.categories;
  if (version.deprecated) {
    out->deprecation = version.deprecation_warning.value_or(
        definition.spec.group + "/" + version.name + " " + names.kind + " is deprecated");
  }
  read_version_schema(version, *out);
  out->scale = read_scale(version);
  out->columns = read_columns(version);
  return out;
}

// "v1beta2" is (1, stable 2 / beta 1 / alpha 0, 2); others are nothing.
std::optional<std::tuple<int, std::int64_t, std::int64_t>> rank(std::string_view version) {
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.size() < 10 && std::ranges::all_of(text, [](char c) {
             return '0' <= c && c <= '9';
           });
  };
  if (!version.starts_with('v')) return std::nullopt;
  version.remove_prefix(1);
  for (const auto& [word, level] : {std::pair<std::string_view, int>{"alpha", 0}, {"beta", 1}}) {
    const std::size_t at = version.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view major = version.substr(0, at), minor = version.substr(at + word.size());
    if (!digits(major) || !digits(minor)) return std::nullopt;
    return std::tuple(level, *parse_int(major), *parse_int(minor));
  }
  if (!digits(version)) return std::nullopt;
  return std::tuple(2, *parse_int(version), std::int64_t{0});
}

}  // namespace

bool is_newer_version(std::string_view a, std::string_view b) {
  const auto left = rank(a), right = rank(b);
  if (left && right) return *left > *right;
  if (left || right) return left.has_value();
  return a < b;
}

// Texts that the Kinds refer to never change: a definition keeps its group, plural and kind.
struct Kinds::Definition {
  std::string uid, group, plural, singular, kind;
  Kind stored;
  std::map<std::string, Kind, std::less<>> versions;  // Ever.
  std::vector<const Kind*> served;                    // Newest first.
};

Kinds::Kinds() : all_(all_kinds()), ever_(all_kinds()) {}
Kinds::~Kinds() = default;

Kinds::Definition& Kinds::definition_of(const CustomResourceDefinition& from) {
  const auto present = present_.find(from.metadata.name);
  if (present != present_.end() && present->second->uid == from.metadata.uid)
    return *present->second;
  const CustomResourceDefinitionNames& names = from.status.accepted_names;
  auto made = std::make_unique<Definition>();
  made->uid = from.metadata.uid;
  made->group = from.spec.group;
  made->plural = names.plural;
  made->singular = names.singular;
  made->kind = names.kind;
  Kind& stored = made->stored;
  stored.group = made->group;
  stored.kind = made->kind;
  stored.resource = made->plural;
  stored.singular = made->singular;
  stored.scope = from.spec.scope == "Cluster" ? Scope::kCluster : Scope::kNamespaced;
  stored.make_object = [](const Kind& kind) -> std::unique_ptr<Object> {
    return std::make_unique<CustomObject>(kind);
  };
  stored.type = &type_of<CustomObject>;
  stored.stored = &stored;
  ever_.push_back(&stored);
  Definition& out = *definitions_.emplace_back(std::move(made));
  present_.insert_or_assign(from.metadata.name, &out);
  return out;
}

void Kinds::follow(const CustomResourceDefinition& from) {
  if (!has_condition(from, kCrdEstablished)) return;
  Definition& definition = definition_of(from);
  definition.stored.short_names = from.status.accepted_names.short_names;
  definition.served.clear();
  for (const CustomResourceDefinitionVersion& version : from.spec.versions) {
    const auto [place, is_new] = definition.versions.try_emplace(version.name, definition.stored);
    Kind& kind = place->second;
    kind.version = place->first;
    kind.short_names = definition.stored.short_names;
    kind.has_status = version.subresources && version.subresources->status;
    kind.custom = read_version(from, version);
    if (version.storage) {
      definition.stored.version = kind.version;
      definition.stored.has_status = kind.has_status;
      definition.stored.custom = kind.custom;
    }
    if (version.served) definition.served.push_back(&kind);
  }
  std::ranges::sort(definition.served, is_newer_version, &Kind::version);
  list_again();
}

void Kinds::forget(const CustomResourceDefinition& from) {
  const auto present = present_.find(from.metadata.name);
  if (present == present_.end()) return;
  present_.erase(present);
  list_again();
}

void Kinds::list_again() {
  all_ = all_kinds();
  for (const auto& [name, definition] : present_) all_.push_back(&definition->stored);
  ++generation_;
}

std::vector<const Kind*> Kinds::custom_versions() const {
  std::vector<const Kind*> out;
  for (const auto& [name, definition] : present_) {
    out.insert(out.end(), definition->served.begin(), definition->served.end());
  }
  return out;
}

const Kind* Kinds::find(std::string_view api_version, std::string_view kind) const {
  if (const Kind* found = find_kind(api_version, kind)) return found;
  for (const auto& [name, definition] : present_) {
    if (definition->kind != kind) continue;
    for (const Kind* version : definition->served) {
      if (version->api_version() == api_version) return version;
    }
  }
  return nullptr;
}

const Kind* Kinds::find_resource(std::string_view group, std::string_view version,
                                 std::string_view resource) const {
  if (const Kind* found = kube::find_resource(group, version, resource)) return found;
  for (const auto& [name, definition] : present_) {
    if (definition->group != group || definition->plural != resource) continue;
    for (const Kind* served : definition->served) {
      if (served->version == version) return served;
    }
  }
  return nullptr;
}

const Kind* Kinds::find_stored(std::string_view group_resource) const {
  if (const auto found = present_.find(group_resource); found != present_.end())
    return &found->second->stored;
  const auto found = std::ranges::find_if(all_kinds(), [&](const Kind* kind) {
    return kind->group_resource() == group_resource;
  });
  return found == all_kinds().end() ? nullptr : *found;
}

}  // namespace minato::kube
