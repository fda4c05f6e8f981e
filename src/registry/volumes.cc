#include "registry/volumes.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;

namespace {

constexpr std::int32_t kMaxMode = 0777;
constexpr std::int64_t kShortestTokenSeconds = 600;
constexpr std::int64_t kLongestTokenSeconds = std::int64_t{1} << 32;
constexpr std::string_view kHostPathTypes[] = {"",          "BlockDevice", "CharDevice",
                                               "Directory", "DirectoryOrCreate", "File",
                                               "FileOrCreate", "Socket"};

void validate_mode(const std::optional<std::int32_t>& mode, const FieldPath& path,
                   FieldErrors& errors) {
  if (mode.value_or(0) >= 0 && mode.value_or(0) <= kMaxMode) return;
  errors.invalid(path, *mode, "must be a number between 0 and 0777 (octal), both inclusive");
}

void validate_file_path(const std::string& file, const FieldPath& path, FieldErrors& errors) {
  if (file.empty()) {
    errors.required(path);
  } else {
    errors.grammar(path, file, check_local_path(file));
  }
}

void validate_items(const std::vector<kube::KeyToPath>& items, const FieldPath& path,
                    FieldErrors& errors) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const FieldPath at = path.index(i);
    if (items[i].key.empty()) errors.required(at.child("key"));
    validate_file_path(items[i].path, at.child("path"), errors);
    validate_mode(items[i].mode, at.child("mode"), errors);
  }
}

void validate_downward_items(const std::vector<kube::DownwardAPIVolumeFile>& items,
                             const FieldPath& path, FieldErrors& errors) {
  for (const kube::DownwardAPIVolumeFile& item : items) {
    // Upstream names the volume, not the item.
    validate_file_path(item.path, path.child("path"), errors);
    validate_downward_source(item, path, errors);
    validate_mode(item.mode, path.child("mode"), errors);
  }
}

void validate_host_path(const kube::HostPathVolumeSource& source, const FieldPath& path,
                        FieldErrors& errors) {
  const FieldPath at = path.child("path"), type = path.child("type");
  if (source.path.empty()) {
    errors.required(at);
    return;
  }
  for (const std::string& part : split(source.path, '/')) {
    if (part == "..") errors.invalid(at, source.path, "must not contain '..'");
  }
  // "" is one of them, and says that nothing is checked.
  if (!source.type.value_or("").empty()) errors.one_of(type, *source.type, kHostPathTypes);
}

void validate_token(const kube::ServiceAccountTokenProjection& token, const FieldPath& path,
                    FieldErrors& errors) {
  const FieldPath seconds = path.child("expirationSeconds");
  const std::int64_t lasts = token.expiration_seconds.value_or(kShortestTokenSeconds);
  if (lasts < kShortestTokenSeconds)
    errors.invalid(seconds, lasts, "may not specify a duration less than 10 minutes");
  if (lasts > kLongestTokenSeconds)
    errors.invalid(seconds, lasts, "may not specify a duration larger than 2^32 seconds");
  validate_file_path(token.path, path.child("path"), errors);
}

void validate_projected(const kube::ProjectedVolumeSource& source, const FieldPath& path,
                        FieldErrors& errors) {
  validate_mode(source.default_mode, path.child("defaultMode"), errors);
  const FieldPath sources = path.child("sources");
  for (std::size_t i = 0; i < source.sources.size(); ++i) {
    const kube::VolumeProjection& one = source.sources[i];
    const FieldPath at = sources.index(i);
    const FieldPath secret = at.child("secret"), map = at.child("configMap");
    if (one.secret) {
      if (one.secret->local_object_reference.name.empty()) errors.required(secret.child("name"));
      validate_items(one.secret->items, secret.child("items"), errors);
    }
    if (one.config_map) {
      if (one.config_map->local_object_reference.name.empty()) errors.required(map.child("name"));
      validate_items(one.config_map->items, map.child("items"), errors);
    }
    if (one.downward_api)
      validate_downward_items(one.downward_api->items, at.child("downwardAPI"), errors);
    if (one.service_account_token)
      validate_token(*one.service_account_token, at.child("serviceAccountToken"), errors);
  }
}

void validate_source(const kube::VolumeSource& source, const FieldPath& path,
                     FieldErrors& errors) {
  const FieldPath map = path.child("configMap"), secret = path.child("secret"),
                  downward = path.child("downwardAPI");
  if (source.host_path) validate_host_path(*source.host_path, path.child("hostPath"), errors);
  if (source.empty_dir && source.empty_dir->size_limit &&
      *source.empty_dir->size_limit < kube::Quantity()) {
    errors.forbidden(path.child("emptyDir.sizeLimit"),
                     "SizeLimit field must be a valid resource quantity");
  }
  if (source.config_map) {
    if (source.config_map->local_object_reference.name.empty()) errors.required(map.child("name"));
    validate_mode(source.config_map->default_mode, map.child("defaultMode"), errors);
    validate_items(source.config_map->items, map.child("items"), errors);
  }
  if (source.secret) {
    if (source.secret->secret_name.empty()) errors.required(secret.child("secretName"));
    validate_mode(source.secret->default_mode, secret.child("defaultMode"), errors);
    validate_items(source.secret->items, secret.child("items"), errors);
  }
  if (source.downward_api) {
    validate_mode(source.downward_api->default_mode, downward.child("defaultMode"), errors);
    validate_downward_items(source.downward_api->items, downward, errors);
  }
  if (source.projected) validate_projected(*source.projected, path.child("projected"), errors);
  if (source.persistent_volume_claim && source.persistent_volume_claim->claim_name.empty())
    errors.required(path.child("persistentVolumeClaim.claimName"));
}

}  // namespace

std::string_view check_local_path(std::string_view path) {
  if (path.starts_with('/')) return "must be a relative path";
  for (const std::string& part : split(path, '/')) {
    if (part == "..") return "must not contain '..'";
  }
  if (path.starts_with("..")) return "must not start with '..'";
  return {};
}

std::set<std::string> validate_volumes(const std::vector<kube::Volume>& volumes,
                                       const FieldPath& path, FieldErrors& errors) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const kube::Volume& volume = volumes[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name");
    if (volume.name.empty()) {
      errors.required(name);
    } else {
      errors.grammar(name, volume.name, kube::check_dns1123_label(volume.name));
    }
    if (!names.insert(volume.name).second) errors.duplicate(name, volume.name);
    int sources = 0;
    const kube::TypeInfo& type = kube::type_of<kube::VolumeSource>();
    for (const kube::FieldInfo& field : type.fields) {
      sources += field.type().get(kube::member_of(field, &volume.volume_source)) ? 1 : 0;
    }
    if (sources > 1) errors.forbidden(at, "may not specify more than 1 volume type");
    validate_source(volume.volume_source, at, errors);
  }
  return names;
}

}  // namespace minato::registry
