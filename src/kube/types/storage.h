// storage.k8s.io/v1: StorageClass, VolumeAttachment and the CSI kinds.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (storage.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/persistent.h"
#include "kube/types/scalars.h"
#include "kube/types/token.h"

namespace minato::kube {

struct TopologySelectorLabelRequirement {
  std::string key;
  std::vector<std::string> values;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TopologySelectorLabelRequirement*);

struct TopologySelectorTerm {
  std::vector<TopologySelectorLabelRequirement> match_label_expressions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TopologySelectorTerm*);

struct StorageClass final : ObjectOf<StorageClass> {
  DECLARE_SPECIAL_MEMBERS(StorageClass);
  static const Kind& static_kind();
  std::string provisioner;
  std::map<std::string, std::string> parameters;
  std::optional<std::string> reclaim_policy;
  std::vector<std::string> mount_options;
  std::optional<bool> allow_volume_expansion;
  std::optional<std::string> volume_binding_mode;
  std::vector<TopologySelectorTerm> allowed_topologies;
};
const TypeInfo& reflect(const StorageClass*);

struct VolumeAttachmentSource {
  std::optional<std::string> persistent_volume_name;
  Box<PersistentVolumeSpec> inline_volume_spec;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeAttachmentSource*);

struct VolumeAttachmentSpec {
  std::string attacher;
  VolumeAttachmentSource source;
  std::string node_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeAttachmentSpec*);

struct VolumeError {
  Time time;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeError*);

struct VolumeAttachmentStatus {
  bool attached = false;
  std::map<std::string, std::string> attachment_metadata;
  Box<VolumeError> attach_error;
  Box<VolumeError> detach_error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeAttachmentStatus*);

struct VolumeAttachment final : ObjectOf<VolumeAttachment> {
  DECLARE_SPECIAL_MEMBERS(VolumeAttachment);
  static const Kind& static_kind();
  VolumeAttachmentSpec spec;
  VolumeAttachmentStatus status;
};
const TypeInfo& reflect(const VolumeAttachment*);

struct CSIDriverSpec {
  std::optional<bool> attach_required;
  std::optional<bool> pod_info_on_mount;
  std::vector<std::string> volume_lifecycle_modes;
  std::optional<bool> storage_capacity;
  std::optional<std::string> fs_group_policy;
  std::vector<TokenRequest> token_requests;
  std::optional<bool> requires_republish;
  std::optional<bool> se_linux_mount;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CSIDriverSpec*);

struct CSIDriver final : ObjectOf<CSIDriver> {
  DECLARE_SPECIAL_MEMBERS(CSIDriver);
  static const Kind& static_kind();
  CSIDriverSpec spec;
};
const TypeInfo& reflect(const CSIDriver*);

struct VolumeNodeResources {
  std::optional<std::int32_t> count;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeNodeResources*);

struct CSINodeDriver {
  std::string name;
  std::string node_id;
  std::vector<std::string> topology_keys;
  Box<VolumeNodeResources> allocatable;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CSINodeDriver*);

struct CSINodeSpec {
  std::vector<CSINodeDriver> drivers;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CSINodeSpec*);

struct CSINode final : ObjectOf<CSINode> {
  DECLARE_SPECIAL_MEMBERS(CSINode);
  static const Kind& static_kind();
  CSINodeSpec spec;
};
const TypeInfo& reflect(const CSINode*);

struct CSIStorageCapacity final : ObjectOf<CSIStorageCapacity> {
  DECLARE_SPECIAL_MEMBERS(CSIStorageCapacity);
  static const Kind& static_kind();
  Box<LabelSelector> node_topology;
  std::string storage_class_name;
  std::optional<Quantity> capacity;
  std::optional<Quantity> maximum_volume_size;
};
const TypeInfo& reflect(const CSIStorageCapacity*);

}  // namespace minato::kube
