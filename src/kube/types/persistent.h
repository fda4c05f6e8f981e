// core/v1: PersistentVolume, PersistentVolumeClaim.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/pod.h"
#include "kube/types/scalars.h"
#include "kube/types/volume.h"

namespace minato::kube {

struct GlusterfsPersistentVolumeSource {
  std::string endpoints_name;
  std::string path;
  bool read_only = false;
  std::optional<std::string> endpoints_namespace;
  UnknownFields unknown;
};
const TypeInfo& reflect(const GlusterfsPersistentVolumeSource*);

struct SecretReference {
  std::string name;
  std::string namespace_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecretReference*);

struct RBDPersistentVolumeSource {
  std::vector<std::string> ceph_monitors;
  std::string rbd_image;
  std::string fs_type;
  std::string rbd_pool;
  std::string rados_user;
  std::string keyring;
  Box<SecretReference> secret_ref;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RBDPersistentVolumeSource*);

struct ISCSIPersistentVolumeSource {
  std::string target_portal;
  std::string iqn;
  std::int32_t lun = 0;
  std::string iscsi_interface;
  std::string fs_type;
  bool read_only = false;
  std::vector<std::string> portals;
  bool discovery_chap_auth = false;
  bool session_chap_auth = false;
  Box<SecretReference> secret_ref;
  std::optional<std::string> initiator_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ISCSIPersistentVolumeSource*);

struct CinderPersistentVolumeSource {
  std::string volume_id;
  std::string fs_type;
  bool read_only = false;
  Box<SecretReference> secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CinderPersistentVolumeSource*);

struct CephFSPersistentVolumeSource {
  std::vector<std::string> monitors;
  std::string path;
  std::string user;
  std::string secret_file;
  Box<SecretReference> secret_ref;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CephFSPersistentVolumeSource*);

struct FlexPersistentVolumeSource {
  std::string driver;
  std::string fs_type;
  Box<SecretReference> secret_ref;
  bool read_only = false;
  std::map<std::string, std::string> options;
  UnknownFields unknown;
};
const TypeInfo& reflect(const FlexPersistentVolumeSource*);

struct AzureFilePersistentVolumeSource {
  std::string secret_name;
  std::string share_name;
  bool read_only = false;
  std::optional<std::string> secret_namespace;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AzureFilePersistentVolumeSource*);

struct ScaleIOPersistentVolumeSource {
  std::string gateway;
  std::string system;
  Box<SecretReference> secret_ref;
  bool ssl_enabled = false;
  std::string protection_domain;
  std::string storage_pool;
  std::string storage_mode;
  std::string volume_name;
  std::string fs_type;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScaleIOPersistentVolumeSource*);

struct LocalVolumeSource {
  std::string path;
  std::optional<std::string> fs_type;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LocalVolumeSource*);

struct StorageOSPersistentVolumeSource {
  std::string volume_name;
  std::string volume_namespace;
  std::string fs_type;
  bool read_only = false;
  Box<ObjectReference> secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StorageOSPersistentVolumeSource*);

struct CSIPersistentVolumeSource {
  std::string driver;
  std::string volume_handle;
  bool read_only = false;
  std::string fs_type;
  std::map<std::string, std::string> volume_attributes;
  Box<SecretReference> controller_publish_secret_ref;
  Box<SecretReference> node_stage_secret_ref;
  Box<SecretReference> node_publish_secret_ref;
  Box<SecretReference> controller_expand_secret_ref;
  Box<SecretReference> node_expand_secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CSIPersistentVolumeSource*);

struct PersistentVolumeSource {
  DECLARE_SPECIAL_MEMBERS(PersistentVolumeSource);
  Box<GCEPersistentDiskVolumeSource> gce_persistent_disk;
  Box<AWSElasticBlockStoreVolumeSource> aws_elastic_block_store;
  Box<HostPathVolumeSource> host_path;
  Box<GlusterfsPersistentVolumeSource> glusterfs;
  Box<NFSVolumeSource> nfs;
  Box<RBDPersistentVolumeSource> rbd;
  Box<ISCSIPersistentVolumeSource> iscsi;
  Box<CinderPersistentVolumeSource> cinder;
  Box<CephFSPersistentVolumeSource> ceph_fs;
  Box<FCVolumeSource> fc;
  Box<FlockerVolumeSource> flocker;
  Box<FlexPersistentVolumeSource> flex_volume;
  Box<AzureFilePersistentVolumeSource> azure_file;
  Box<VsphereVirtualDiskVolumeSource> vsphere_volume;
  Box<QuobyteVolumeSource> quobyte;
  Box<AzureDiskVolumeSource> azure_disk;
  Box<PhotonPersistentDiskVolumeSource> photon_persistent_disk;
  Box<PortworxVolumeSource> portworx_volume;
  Box<ScaleIOPersistentVolumeSource> scale_io;
  Box<LocalVolumeSource> local;
  Box<StorageOSPersistentVolumeSource> storage_os;
  Box<CSIPersistentVolumeSource> csi;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeSource*);

struct VolumeNodeAffinity {
  Box<NodeSelector> required;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeNodeAffinity*);

struct PersistentVolumeSpec {
  std::map<std::string, Quantity> capacity;
  PersistentVolumeSource persistent_volume_source;
  std::vector<std::string> access_modes;
  Box<ObjectReference> claim_ref;
  std::string persistent_volume_reclaim_policy;
  std::string storage_class_name;
  std::vector<std::string> mount_options;
  std::optional<std::string> volume_mode;
  Box<VolumeNodeAffinity> node_affinity;
  std::optional<std::string> volume_attributes_class_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeSpec*);

struct PersistentVolumeStatus {
  std::string phase;
  std::string message;
  std::string reason;
  Time last_phase_transition_time;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeStatus*);

struct PersistentVolume final : ObjectOf<PersistentVolume> {
  DECLARE_SPECIAL_MEMBERS(PersistentVolume);
  static const Kind& static_kind();
  PersistentVolumeSpec spec;
  PersistentVolumeStatus status;
};
const TypeInfo& reflect(const PersistentVolume*);

struct PersistentVolumeClaimCondition {
  std::string type;
  std::string status;
  Time last_probe_time;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeClaimCondition*);

struct ModifyVolumeStatus {
  std::string target_volume_attributes_class_name;
  std::string status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ModifyVolumeStatus*);

struct PersistentVolumeClaimStatus {
  std::string phase;
  std::vector<std::string> access_modes;
  std::map<std::string, Quantity> capacity;
  std::vector<PersistentVolumeClaimCondition> conditions;
  std::map<std::string, Quantity> allocated_resources;
  std::map<std::string, std::string> allocated_resource_statuses;
  std::optional<std::string> current_volume_attributes_class_name;
  Box<ModifyVolumeStatus> modify_volume_status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeClaimStatus*);

struct PersistentVolumeClaim final : ObjectOf<PersistentVolumeClaim> {
  DECLARE_SPECIAL_MEMBERS(PersistentVolumeClaim);
  static const Kind& static_kind();
  PersistentVolumeClaimSpec spec;
  PersistentVolumeClaimStatus status;
};
const TypeInfo& reflect(const PersistentVolumeClaim*);

}  // namespace minato::kube
