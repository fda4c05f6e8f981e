#include "kube/types/storage.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(TopologySelectorLabelRequirement,
  FIELD(key, "key", 1, kAlways),
  FIELD(values, "values", 2, kAtomic))

MINATO_STRUCT(TopologySelectorTerm,
  FIELD(match_label_expressions, "matchLabelExpressions", 1, kAtomic))

DEFINE_SPECIAL_MEMBERS(StorageClass);
MINATO_STRUCT(StorageClass,
  FIELD(metadata, "metadata", 1),
  FIELD(provisioner, "provisioner", 2, kAlways),
  FIELD(parameters, "parameters", 3),
  FIELD(reclaim_policy, "reclaimPolicy", 4),
  FIELD(mount_options, "mountOptions", 5, kAtomic),
  FIELD(allow_volume_expansion, "allowVolumeExpansion", 6),
  FIELD(volume_binding_mode, "volumeBindingMode", 7),
  FIELD(allowed_topologies, "allowedTopologies", 8, kAtomic))

MINATO_STRUCT(VolumeAttachmentSource,
  FIELD(persistent_volume_name, "persistentVolumeName", 1),
  FIELD(inline_volume_spec, "inlineVolumeSpec", 2))

MINATO_STRUCT(VolumeAttachmentSpec,
  FIELD(attacher, "attacher", 1, kAlways),
  FIELD(source, "source", 2, kAlways),
  FIELD(node_name, "nodeName", 3, kAlways))

MINATO_STRUCT(VolumeError,
  FIELD(time, "time", 1),
  FIELD(message, "message", 2))

MINATO_STRUCT(VolumeAttachmentStatus,
  FIELD(attached, "attached", 1, kAlways),
  FIELD(attachment_metadata, "attachmentMetadata", 2),
  FIELD(attach_error, "attachError", 3),
  FIELD(detach_error, "detachError", 4))

DEFINE_SPECIAL_MEMBERS(VolumeAttachment);
MINATO_STRUCT(VolumeAttachment,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways),
  FIELD(status, "status", 3))

MINATO_STRUCT(CSIDriverSpec,
  FIELD(attach_required, "attachRequired", 1),
  FIELD(pod_info_on_mount, "podInfoOnMount", 2),
  FIELD(volume_lifecycle_modes, "volumeLifecycleModes", 3, kSet),
  FIELD(storage_capacity, "storageCapacity", 4),
  FIELD(fs_group_policy, "fsGroupPolicy", 5),
  FIELD(token_requests, "tokenRequests", 6, kAtomic),
  FIELD(requires_republish, "requiresRepublish", 7),
  FIELD(se_linux_mount, "seLinuxMount", 8))

DEFINE_SPECIAL_MEMBERS(CSIDriver);
MINATO_STRUCT(CSIDriver,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways))

MINATO_STRUCT(VolumeNodeResources,
  FIELD(count, "count", 1))

MINATO_STRUCT(CSINodeDriver,
  FIELD(name, "name", 1, kAlways),
  FIELD(node_id, "nodeID", 2, kAlways),
  FIELD(topology_keys, "topologyKeys", 3, kAtomic),
  FIELD(allocatable, "allocatable", 4))

MINATO_STRUCT(CSINodeSpec,
  FIELD(drivers, "drivers", 1, kMerge, "name"))

DEFINE_SPECIAL_MEMBERS(CSINode);
MINATO_STRUCT(CSINode,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways))

DEFINE_SPECIAL_MEMBERS(CSIStorageCapacity);
MINATO_STRUCT(CSIStorageCapacity,
  FIELD(metadata, "metadata", 1),
  FIELD(node_topology, "nodeTopology", 2),
  FIELD(storage_class_name, "storageClassName", 3, kAlways),
  FIELD(capacity, "capacity", 4),
  FIELD(maximum_volume_size, "maximumVolumeSize", 5))

}  // namespace minato::kube
