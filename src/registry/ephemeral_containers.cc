#include "registry/ephemeral_containers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace minato::registry {

using kube::EphemeralContainer;
using kube::EphemeralContainerCommon;
using kube::FieldErrors;
using kube::FieldPath;
using kube::PodSpec;

namespace {

const std::string& name_of(const EphemeralContainer& container) {
  return container.ephemeral_container_common.name;
}

std::set<std::string> names_of(const PodSpec& spec) {
  std::set<std::string> out;
  for (const auto* containers : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& container : *containers) out.insert(container.name);
  }
  return out;
}

// Nothing may come to depend on one, so it has none of what others depend on.
void refuse_fields(const EphemeralContainerCommon& container, const FieldPath& path,
                   FieldErrors& errors) {
  const std::pair<bool, const char*> fields[] = {
      {!container.ports.empty(), "ports"},
      {!container.resources.limits.empty() || !container.resources.requests.empty(), "resources"},
      {!container.resize_policy.empty(), "resizePolicy"},
      {container.restart_policy.has_value(), "restartPolicy"},
      {container.liveness_probe.get() != nullptr, "livenessProbe"},
      {container.readiness_probe.get() != nullptr, "readinessProbe"},
      {container.startup_probe.get() != nullptr, "startupProbe"},
      {container.lifecycle.get() != nullptr, "lifecycle"}};
  for (const auto& [is_set, field] : fields) {
    if (is_set) errors.forbidden(path.child(field), "cannot be set for an Ephemeral Container");
  }
}

void validate_ephemeral_mounts(const EphemeralContainerCommon& container, const PodSpec& spec,
                               const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const kube::VolumeMount& mount = container.volume_mounts[i];
    const FieldPath at = path.index(i);
    const bool known = std::ranges::any_of(
        spec.volumes, [&](const kube::Volume& volume) { return volume.name == mount.name; });
    const FieldPath name = at.child("name");
    if (!known) errors.add(name, fmt::format("Not found: \"{}\"", mount.name));
    if (mount.mount_path.empty()) errors.required(at.child("mountPath"));
    for (const auto& [value, field] : {std::pair{&mount.sub_path, "subPath"},
                                       std::pair{&mount.sub_path_expr, "subPathExpr"}}) {
      if (!value->empty())
        errors.forbidden(at.child(field), "cannot be set for an Ephemeral Container");
    }
  }
}

void validate_one(const EphemeralContainer& container, const PodSpec& spec, const FieldPath& path,
                  FieldErrors& errors) {
  const EphemeralContainerCommon& common = container.ephemeral_container_common;
  const FieldPath name = path.child("name");
  if (common.name.empty()) {
    errors.required(name);
  } else {
    errors.grammar(name, common.name, kube::check_dns1123_label(common.name));
  }
  if (common.image.empty()) errors.required(path.child("image"));
  refuse_fields(common, path, errors);
  const FieldPath mounts = path.child("volumeMounts");
  validate_ephemeral_mounts(common, spec, mounts, errors);
  const std::string& target = container.target_container_name;
  const FieldPath at = path.child("targetContainerName");
  if (!target.empty() && !names_of(spec).contains(target)) {
    errors.add(at, fmt::format("Not found: \"{}\"", target));
  }
}

}  // namespace

void refuse_ephemeral_containers(const PodSpec& spec, const FieldPath& path, std::string_view why,
                                 FieldErrors& errors) {
  if (!spec.ephemeral_containers.empty()) errors.forbidden(path.child("ephemeralContainers"), why);
}

void validate_ephemeral_containers(const PodSpec& before, const PodSpec& after,
                                   const FieldPath& spec_path, FieldErrors& errors) {
  const FieldPath path = spec_path.child("ephemeralContainers");
  std::set<std::string> names = names_of(after);
  for (std::size_t i = 0; i < after.ephemeral_containers.size(); ++i) {
    const EphemeralContainer& container = after.ephemeral_containers[i];
    const FieldPath at = path.index(i);
    validate_one(container, after, at, errors);
    const FieldPath name = at.child("name");
    if (!names.insert(name_of(container)).second) errors.duplicate(name, name_of(container));
  }
  for (const EphemeralContainer& old : before.ephemeral_containers) {
    const auto found = std::ranges::find(after.ephemeral_containers, name_of(old), &name_of);
    if (found == after.ephemeral_containers.end()) {
      errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be removed",
                                         name_of(old)));
    } else if (!kube::equal(*found, old)) {
      errors.forbidden(path, fmt::format("existing ephemeral containers \"{}\" may not be changed",
                                         name_of(old)));
    }
  }
}

}  // namespace minato::registry
