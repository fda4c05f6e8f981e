#include "kubelet/volumes.h"

#include <fmt/format.h>

#include "kubelet/pod_tokens.h"

namespace minato::kubelet {
namespace {

using Files = std::map<std::string, container::VolumeFile>;
using Contents = std::map<std::string, std::string>;

constexpr std::int32_t kDefaultFileMode = 0644;
constexpr std::uint32_t kPrivateFileMode = 0600;

std::unexpected<Error> set_up_failed(const std::string& volume, const std::string& why) {
  return fail(Reason::kInvalid,
              fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", volume, why));
}

Contents contents(const kube::ConfigMap& object) {
  Contents out = object.data;
  for (const auto& [key, value] : object.binary_data) out[key] = value.data;
  return out;
}
Contents contents(const kube::Secret& object) {
  Contents out;
  for (const auto& [key, value] : object.data) out[key] = value.data;
  return out;
}

std::uint32_t mode_of(const std::optional<std::int32_t>& mode, std::int32_t otherwise) {
  return static_cast<std::uint32_t>(mode.value_or(otherwise));
}

enum class Need { kRequired, kOptional };

// All keys, or those that `items` names at the paths it gives.
Status select_files(const Contents& all, const std::vector<kube::KeyToPath>& items, Need need,
                    std::int32_t default_mode, Files& out) {
  if (items.empty()) {
    for (const auto& [key, value] : all) out[key] = {value, mode_of({}, default_mode)};
    return {};
  }
  for (const kube::KeyToPath& item : items) {
    const auto found = all.find(item.key);
    if (found != all.end()) {
      out[item.path] = {found->second, mode_of(item.mode, default_mode)};
    } else if (need == Need::kRequired) {
      return fail(Reason::kInvalid, "references non-existent config key: " + item.key);
    }
  }
  return {};
}

template <class T>
Status add_object(const std::shared_ptr<const T>& object, std::string_view kind,
                  const std::string& name, const std::vector<kube::KeyToPath>& items,
                  const std::optional<bool>& optional, std::int32_t default_mode, Files& out) {
  const Need need = optional.value_or(false) ? Need::kOptional : Need::kRequired;
  if (object) return select_files(contents(*object), items, need, default_mode, out);
  if (need == Need::kOptional) return {};
  return fail(Reason::kNotFound, fmt::format("{} \"{}\" not found", kind, name));
}

Status add_downward(const PodFacts& facts, const std::vector<kube::DownwardAPIVolumeFile>& items,
                    std::int32_t default_mode, Files& out) {
  for (const kube::DownwardAPIVolumeFile& item : items) {
    container::VolumeFile& file = out[item.path];
    file.mode = mode_of(item.mode, default_mode);
    if (item.field_ref) {
      ASSIGN_OR_RETURN(file.content, field_value(facts, item.field_ref->field_path));
    } else if (item.resource_field_ref) {
      ASSIGN_OR_RETURN(file.content, resource_value(facts, *item.resource_field_ref, {}));
    }
  }
  return {};
}

// The one user that all containers run as; nothing when one does not say, or they differ.
std::optional<std::int64_t> only_user(const kube::PodSpec& spec) {
  const auto of_pod =
      spec.security_context ? spec.security_context->run_as_user : std::optional<std::int64_t>();
  std::optional<std::int64_t> out;
  for (const auto* containers : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& container : *containers) {
      const auto* own = container.security_context.get();
      const auto user = own != nullptr && own->run_as_user ? own->run_as_user : of_pod;
      if (!user || (out && *out != *user)) return std::nullopt;
      out = user;
    }
  }
  return out;
}

std::int64_t group_of(const kube::PodSpec& spec) {
  return spec.security_context ? spec.security_context->fs_group.value_or(-1) : -1;
}

// A token is for whoever runs the containers, where that is known.
Status add_token(const PodFacts& facts, const kube::ServiceAccountTokenProjection& source,
                 std::int32_t default_mode, Files& out) {
  if (facts.tokens == nullptr) {
    return fail(Reason::kUnavailable, "this node gives no ServiceAccount tokens to Pods");
  }
  container::VolumeFile file;
  ASSIGN_OR_RETURN(file.content, facts.tokens->get(facts.pod, source));
  const auto user = only_user(facts.pod.spec);
  const bool is_private = user || group_of(facts.pod.spec) >= 0;
  file.mode = is_private ? kPrivateFileMode : mode_of({}, default_mode);
  file.owner = user.value_or(-1);
  out[source.path] = std::move(file);
  return {};
}

Status add_projection(const PodFacts& facts, const kube::VolumeProjection& source,
                      const ConfigSources& sources, std::int32_t default_mode, Files& out) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  if (source.config_map) {
    const std::string& name = source.config_map->local_object_reference.name;
    return add_object(sources.config_map({name_space, name}), "configmap", name,
                      source.config_map->items, source.config_map->optional, default_mode, out);
  }
  if (source.secret) {
    const std::string& name = source.secret->local_object_reference.name;
    return add_object(sources.secret({name_space, name}), "secret", name, source.secret->items,
                      source.secret->optional, default_mode, out);
  }
  if (source.downward_api) {
    return add_downward(facts, source.downward_api->items, default_mode, out);
  }
  if (source.service_account_token) {
    return add_token(facts, *source.service_account_token, default_mode, out);
  }
  return fail(Reason::kInvalid,
              "only configMap, secret, downwardAPI and serviceAccountToken sources are supported "
              "in a projected volume on this node; remove the others");
}

Status fill_files(const PodFacts& facts, const kube::VolumeSource& source,
                  const ConfigSources& sources, container::Mount& mount) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  mount.kind = container::Mount::Kind::kFiles;
  mount.read_only = true;
  if (source.config_map) {
    const std::string& name = source.config_map->local_object_reference.name;
    return add_object(sources.config_map({name_space, name}), "configmap", name,
                      source.config_map->items, source.config_map->optional,
                      source.config_map->default_mode.value_or(kDefaultFileMode), mount.files);
  }
  if (source.secret) {
    const std::string& name = source.secret->secret_name;
    return add_object(sources.secret({name_space, name}), "secret", name, source.secret->items,
                      source.secret->optional,
                      source.secret->default_mode.value_or(kDefaultFileMode), mount.files);
  }
  if (source.downward_api) {
    return add_downward(facts, source.downward_api->items,
                        source.downward_api->default_mode.value_or(kDefaultFileMode), mount.files);
  }
  if (source.projected) {
    const std::int32_t mode = source.projected->default_mode.value_or(kDefaultFileMode);
    for (const kube::VolumeProjection& projection : source.projected->sources) {
      RETURN_IF_ERROR(add_projection(facts, projection, sources, mode, mount.files));
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
  mount.group = group_of(facts.pod.spec);
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
