#include "registry/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"
#include "kube/types/config.h"
#include "kube/types/scheduling.h"
#include "registry/errors.h"

namespace minato::registry {
namespace {

constexpr std::int64_t kDefaultTolerationSeconds = 300;
constexpr std::string_view kPreemptLowerPriority = "PreemptLowerPriority";
constexpr std::string_view kAccessVolume = "kube-api-access-";
constexpr std::size_t kVolumeSuffixLength = 5;
constexpr std::string_view kAccessPath = "/var/run/secrets/kubernetes.io/serviceaccount";
// An hour, and a bit by which such tokens are told from those that asked for an hour themselves.
constexpr std::int64_t kAccessSeconds = 3607;
constexpr std::int32_t kAccessFileMode = 0644;

// Of several global defaults the lowest counts, so that making one too many does no harm.
std::shared_ptr<const kube::PriorityClass> default_class(const store::Store& store) {
  std::shared_ptr<const kube::PriorityClass> out;
  for (const auto& [key, object] : store.all(kube::PriorityClass::static_kind())) {
    auto candidate = kube::as<kube::PriorityClass>(object);
    if (!candidate->global_default) continue;
    if (!out || candidate->value < out->value) out = std::move(candidate);
  }
  return out;
}

bool wants_access(const kube::Pod& pod, const kube::ServiceAccount& account) {
  if (pod.spec.automount_service_account_token) return *pod.spec.automount_service_account_token;
  return account.automount_service_account_token.value_or(true);
}

kube::Volume access_volume(std::string name) {
  kube::Volume out;
  out.name = std::move(name);
  auto& projected = out.volume_source.projected.emplace();
  projected.default_mode = kAccessFileMode;
  projected.sources.resize(3);
  auto& token = projected.sources[0].service_account_token.emplace();
  token.path = "token";
  token.expiration_seconds = kAccessSeconds;
  auto& authority = projected.sources[1].config_map.emplace();
  authority.local_object_reference.name = kube::kRootCaConfigMap;
  authority.items = {{.key = std::string(kube::kRootCaKey), .path = std::string(kube::kRootCaKey)}};
  auto& own_namespace = projected.sources[2].downward_api.emplace().items.emplace_back();
  own_namespace.path = "namespace";
  auto& field = own_namespace.field_ref.emplace();
  field.api_version = "v1";
  field.field_path = "metadata.namespace";
  return out;
}

// True when the container has the volume now: one that mounts something else there keeps that.
bool mount_access(kube::Container& container, const std::string& volume) {
  const bool taken = std::ranges::any_of(container.volume_mounts, [](const auto& mount) {
    return mount.mount_path == kAccessPath;
  });
  if (taken) return false;
  kube::VolumeMount& mount = container.volume_mounts.emplace_back();
  mount.name = volume;
  mount.read_only = true;
  mount.mount_path = kAccessPath;
  return true;
}

void add_access(kube::Pod& pod, env::Rng& rng) {
  auto& volumes = pod.spec.volumes;
  const auto present = std::ranges::find_if(
      volumes, [](const kube::Volume& volume) { return volume.name.starts_with(kAccessVolume); });
  const std::string name = present != volumes.end()
                               ? present->name
                               : std::string(kAccessVolume) + rng.suffix(kVolumeSuffixLength);
  bool mounted = false;
  for (auto* containers : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (kube::Container& container : *containers) mounted |= mount_access(container, name);
  }
  if (mounted && present == volumes.end()) volumes.push_back(access_volume(name));
}

}  // namespace

Status check_runtime_class(const kube::Pod& pod) {
  const auto refuse = [&](std::string why) {
    return forbidden(pod.kind(), pod.metadata.name, "pod rejected: " + std::move(why));
  };
  if (pod.spec.runtime_class_name)
    return refuse(fmt::format("RuntimeClass \"{}\" not found", *pod.spec.runtime_class_name));
  if (!pod.spec.overhead.empty())
    return refuse("Pod Overhead set without corresponding RuntimeClass defined Overhead");
  return {};
}

Status admit_priority(kube::Pod& pod, const store::Store& store) {
  std::shared_ptr<const kube::PriorityClass> priority_class;
  if (pod.spec.priority_class_name.empty()) {
    priority_class = default_class(store);
    if (priority_class) pod.spec.priority_class_name = priority_class->metadata.name;
  } else {
    const auto found =
        store.get(kube::PriorityClass::static_kind(), {"", pod.spec.priority_class_name});
    if (!found) {
      return forbidden(pod.kind(), pod.metadata.name,
                       fmt::format("no PriorityClass with name {} was found",
                                   pod.spec.priority_class_name));
    }
    priority_class = kube::as<kube::PriorityClass>(found);
  }
  const std::int32_t priority = priority_class ? priority_class->value : 0;
  if (pod.spec.priority && *pod.spec.priority != priority) {
    return forbidden(
        pod.kind(), pod.metadata.name,
        fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority "
                    "admission controller computed {} from the given PriorityClass name",
                    *pod.spec.priority, priority));
  }
  pod.spec.priority = priority;
  const std::string policy = priority_class && priority_class->preemption_policy
                                 ? *priority_class->preemption_policy
                                 : std::string(kPreemptLowerPriority);
  if (pod.spec.preemption_policy && *pod.spec.preemption_policy != policy) {
    return forbidden(
        pod.kind(), pod.metadata.name,
        fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; "
                    "priority admission controller computed {} from the given PriorityClass name",
                    *pod.spec.preemption_policy, policy));
  }
  pod.spec.preemption_policy = policy;
  return {};
}

void admit_default_tolerations(kube::Pod& pod) {
  for (const std::string_view key : {kube::kTaintNotReady, kube::kTaintUnreachable}) {
    const bool tolerated = std::ranges::any_of(pod.spec.tolerations, [&](const auto& toleration) {
      return (toleration.key == key || toleration.key.empty()) &&
             (toleration.effect == kube::kNoExecute || toleration.effect.empty());
    });
    if (tolerated) continue;
    kube::Toleration toleration;
    toleration.key = key;
    toleration.operator_ = "Exists";
    toleration.effect = kube::kNoExecute;
    toleration.toleration_seconds = kDefaultTolerationSeconds;
    pod.spec.tolerations.push_back(std::move(toleration));
  }
}

void admit_service_account(kube::Pod& pod) {
  if (pod.spec.service_account_name.empty()) pod.spec.service_account_name = "default";
  // The old name of the same field; both are served.
  pod.spec.service_account = pod.spec.service_account_name;
}

Status admit_api_access(kube::Pod& pod, const store::Store& store, env::Rng& rng) {
  const std::string& name = pod.spec.service_account_name;
  const auto found =
      store.get(kube::ServiceAccount::static_kind(), {pod.metadata.namespace_, name});
  if (!found) {
    return forbidden(pod.kind(), pod.metadata.name,
                     fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" "
                                 "not found",
                                 pod.metadata.namespace_, name, name));
  }
  const auto& account = kube::as<kube::ServiceAccount>(*found);
  if (wants_access(pod, account)) add_access(pod, rng);
  if (pod.spec.image_pull_secrets.empty()) pod.spec.image_pull_secrets = account.image_pull_secrets;
  return {};
}

}  // namespace minato::registry
