#include "kube/types/node.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(Taint,
  FIELD(key, "key", 1, kAlways),
  FIELD(value, "value", 2),
  FIELD(effect, "effect", 3, kAlways),
  FIELD(time_added, "timeAdded", 4))

MINATO_STRUCT(ConfigMapNodeConfigSource,
  FIELD(namespace_, "namespace", 1, kAlways),
  FIELD(name, "name", 2, kAlways),
  FIELD(uid, "uid", 3),
  FIELD(resource_version, "resourceVersion", 4),
  FIELD(kubelet_config_key, "kubeletConfigKey", 5, kAlways))

MINATO_STRUCT(NodeConfigSource,
  FIELD(config_map, "configMap", 2))

MINATO_STRUCT(NodeSpec,
  FIELD(pod_cidr, "podCIDR", 1),
  FIELD(pod_cidrs, "podCIDRs", 7, kMerge | kSet),
  FIELD(provider_id, "providerID", 3),
  FIELD(unschedulable, "unschedulable", 4),
  FIELD(taints, "taints", 5, kAtomic),
  FIELD(config_source, "configSource", 6),
  FIELD(external_id, "externalID", 2))

MINATO_STRUCT(NodeCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_heartbeat_time, "lastHeartbeatTime", 3),
  FIELD(last_transition_time, "lastTransitionTime", 4),
  FIELD(reason, "reason", 5),
  FIELD(message, "message", 6))

MINATO_STRUCT(NodeAddress,
  FIELD(type, "type", 1, kAlways),
  FIELD(address, "address", 2, kAlways))

MINATO_STRUCT(DaemonEndpoint,
  FIELD(port, "Port", 1, kAlways))

MINATO_STRUCT(NodeDaemonEndpoints,
  FIELD(kubelet_endpoint, "kubeletEndpoint", 1))

MINATO_STRUCT(NodeSystemInfo,
  FIELD(machine_id, "machineID", 1, kAlways),
  FIELD(system_uuid, "systemUUID", 2, kAlways),
  FIELD(boot_id, "bootID", 3, kAlways),
  FIELD(kernel_version, "kernelVersion", 4, kAlways),
  FIELD(os_image, "osImage", 5, kAlways),
  FIELD(container_runtime_version, "containerRuntimeVersion", 6, kAlways),
  FIELD(kubelet_version, "kubeletVersion", 7, kAlways),
  FIELD(kube_proxy_version, "kubeProxyVersion", 8, kAlways),
  FIELD(operating_system, "operatingSystem", 9, kAlways),
  FIELD(architecture, "architecture", 10, kAlways))

MINATO_STRUCT(ContainerImage,
  FIELD(names, "names", 1, kAlways | kAtomic),
  FIELD(size_bytes, "sizeBytes", 2))

MINATO_STRUCT(AttachedVolume,
  FIELD(name, "name", 1, kAlways),
  FIELD(device_path, "devicePath", 2, kAlways))

MINATO_STRUCT(NodeConfigStatus,
  FIELD(assigned, "assigned", 1),
  FIELD(active, "active", 2),
  FIELD(last_known_good, "lastKnownGood", 3),
  FIELD(error, "error", 4))

MINATO_STRUCT(NodeRuntimeHandlerFeatures,
  FIELD(recursive_read_only_mounts, "recursiveReadOnlyMounts", 1),
  FIELD(user_namespaces, "userNamespaces", 2))

MINATO_STRUCT(NodeRuntimeHandler,
  FIELD(name, "name", 1, kAlways),
  FIELD(features, "features", 2))

MINATO_STRUCT(NodeFeatures,
  FIELD(supplemental_groups_policy, "supplementalGroupsPolicy", 1))

DEFINE_SPECIAL_MEMBERS(NodeStatus);
MINATO_STRUCT(NodeStatus,
  FIELD(capacity, "capacity", 1),
  FIELD(allocatable, "allocatable", 2),
  FIELD(phase, "phase", 3),
  FIELD(conditions, "conditions", 4, kMerge, "type"),
  FIELD(addresses, "addresses", 5, kMerge, "type"),
  FIELD(daemon_endpoints, "daemonEndpoints", 6),
  FIELD(node_info, "nodeInfo", 7),
  FIELD(images, "images", 8, kAtomic),
  FIELD(volumes_in_use, "volumesInUse", 9, kAtomic),
  FIELD(volumes_attached, "volumesAttached", 10, kAtomic),
  FIELD(config, "config", 11),
  FIELD(runtime_handlers, "runtimeHandlers", 12, kAtomic),
  FIELD(features, "features", 13))

DEFINE_SPECIAL_MEMBERS(Node);
MINATO_STRUCT(Node,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
