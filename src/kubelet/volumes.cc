#include "kubelet/volumes.h"

#include <fmt/format.h>

namespace minato::kubelet {
namespace {

using Files = std::map<std::string, std::string>;

constexpr std::uint32_t kDefaultFileMode = 0644;

std::unexpected<Error> set_up_failed(const std::string& volume, const std::string& why) {
  return fail(Reason::kInvalid,
              fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", volume, why));
}

Files contents(const kube::ConfigMap& object) {
  Files out = object.data;
  for (const auto& [key, value] : object.binary_data) out[key] = value.data;
  return out;
}
Files contents(const kube::Secret& object) {
  Files out;
  for (const auto& [key, value] : object.data) out[key] = value.data;
  return out;
}

enum class Need { kRequired, kOptional };

// All keys, or those that `items` names at the paths it gives.
Status select_files(const Files& all, const std::vector<kube::KeyToPath>& items, Need need,
                    Files& out) {
  if (items.empty()) {
    for (const auto& [key, value] : all) out[key] = value;
    return {};
  }
  for (const kube::KeyToPath& item : items) {
    const auto found = all.find(item.key);
    if (found != all.end()) {
      out[item.path] = found->second;
    } else if (need == Need::kRequired) {
      return fail(Reason::kInvalid, "references non-existent config key: " + item.key);
    }
  }
  return {};
}

template <class T>
Status add_object(const std::shared_ptr<const T>& object, std::string_view kind,
                  const std::string& name, const std::vector<kube::KeyToPath>& items,
                  const std::optional<bool>& optional, Files& out) {
  const Need need = optional.value_or(false) ? Need::kOptional : Need::kRequired;
  if (object) return select_files(contents(*object), items, need, out);
  if (need == Need::kOptional) return {};
  return fail(Reason::kNotFound, fmt::format("{} \"{}\" not found", kind, name));
}

Status add_downward(const PodFacts& facts, const std::vector<kube::DownwardAPIVolumeFile>& items,
                    Files& out) {
  for (const kube::DownwardAPIVolumeFile& item : items) {
    if (item.field_ref) {
      ASSIGN_OR_RETURN(out[item.path], field_value(facts, item.field_ref->field_path));
    } else if (item.resource_field_ref) {
      ASSIGN_OR_RETURN(out[item.path], resource_value(facts, *item.resource_field_ref, {}));
    }
  }
  return {};
}

Status add_projection(const PodFacts& facts, const kube::VolumeProjection& source,
                      const ConfigSources& sources, Files& out) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  if (source.config_map) {
    const std::string& name = source.config_map->local_object_reference.name;
    return add_object(sources.config_map({name_space, name}), "configmap", name,
                      source.config_map->items, source.config_map->optional, out);
  }
  if (source.secret) {
    const std::string& name = source.secret->local_object_reference.name;
    return add_object(sources.secret({name_space, name}), "secret", name, source.secret->items,
                      source.secret->optional, out);
  }
  if (source.downward_api) return add_downward(facts, source.downward_api->items, out);
  return fail(Reason::kInvalid,
              "only configMap, secret and downwardAPI sources are supported in a projected volume "
              "on this node; remove the others");
}

std::uint32_t mode_of(const std::optional<std::int32_t>& mode) {
  return mode ? static_cast<std::uint32_t>(*mode) : kDefaultFileMode;
}

Status fill_files(const PodFacts& facts, const kube::VolumeSource& source,
                  const ConfigSources& sources, container::Mount& mount) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  mount.kind = container::Mount::Kind::kFiles;
  mount.read_only = true;
  if (source.config_map) {
    mount.file_mode = mode_of(source.config_map->default_mode);
    const std::string& name = source.config_map->local_object_reference.name;
    return add_object(sources.config_map({name_space, name}), "configmap", name,
                      source.config_map->items, source.config_map->optional, mount.files);
  }
  if (source.secret) {
    mount.file_mode = mode_of(source.secret->default_mode);
    const std::string& name = source.secret->secret_name;
    return add_object(sources.secret({name_space, name}), "secret", name, source.secret->items,
                      source.secret->optional, mount.files);
  }
  if (source.downward_api) {
    mount.file_mode = mode_of(source.downward_api->default_mode);
    return add_downward(facts, source.downward_api->items, mount.files);
  }
  if (source.projected) {
    mount.file_mode = mode_of(source.projected->default_mode);
    for (const kube::VolumeProjection& projection : source.projected->sources) {
      RETURN_IF_ERROR(add_projection(facts, projection, sources, mount.files));
    }
    return {};
  }
  return fail(Reason::kInvalid,
              "this kind of volume is not supported on this node; use configMap, secret, "
              "downwardAPI, projected, emptyDir or hostPath");
}

}  // namespace

Result<container::Mount> build_volume(const PodFacts& facts, const kube::Volume& volume,
                                      const ConfigSources& sources) {
  container::Mount mount;
  mount.name = volume.name;
  const kube::VolumeSource& source = volume.volume_source;
  if (source.empty_dir) {
    mount.kind = container::Mount::Kind::kEmptyDir;
    mount.memory_medium = source.empty_dir->medium == "Memory";
    const auto& limit = source.empty_dir->size_limit;
    if (limit) mount.size_limit_bytes = limit->value();
    return mount;
  }
  if (source.host_path) {
    mount.kind = container::Mount::Kind::kHostPath;
    mount.host_path = source.host_path->path;
    return mount;
  }
  if (const Status filled = fill_files(facts, source, sources, mount); !filled) {
    return set_up_failed(volume.name, filled.error().message);
  }
  return mount;
}

bool shows_immutable(const kube::Volume& volume, const std::string& name_space,
                     const ConfigSources& sources) {
  const kube::VolumeSource& source = volume.volume_source;
  if (source.config_map) {
    const auto found =
        sources.config_map({name_space, source.config_map->local_object_reference.name});
    return found && found->immutable.value_or(false);
  }
  if (!source.secret) return false;
  const auto found = sources.secret({name_space, source.secret->secret_name});
  return found && found->immutable.value_or(false);
}

Result<PodVolumes> build_volumes(const PodFacts& facts, const ConfigSources& sources) {
  PodVolumes out;
  for (const kube::Volume& volume : facts.pod.spec.volumes) {
    ASSIGN_OR_RETURN(out[volume.name], build_volume(facts, volume, sources));
  }
  return out;
}

Result<std::vector<container::Mount>> build_mounts(const kube::Container& container,
                                                   const PodVolumes& volumes,
                                                   const Environment& environment) {
  std::vector<container::Mount> out;
  for (const kube::VolumeMount& wanted : container.volume_mounts) {
    const auto found = volumes.find(wanted.name);
    if (found == volumes.end()) {
      return fail(Reason::kInvalid, fmt::format("cannot find volume \"{}\" to mount into container "
                                                "\"{}\"", wanted.name, container.name));
    }
    container::Mount mount = found->second;
    mount.container_path = wanted.mount_path;
    mount.sub_path = wanted.sub_path_expr.empty() ? wanted.sub_path
                                                  : expand(wanted.sub_path_expr, environment);
    mount.read_only = mount.read_only || wanted.read_only;
    out.push_back(std::move(mount));
  }
  return out;
}

}  // namespace minato::kubelet
