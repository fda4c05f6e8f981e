#include "kube/types/persistent.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(GlusterfsPersistentVolumeSource,
  FIELD(endpoints_name, "endpoints", 1, kAlways),
  FIELD(path, "path", 2, kAlways),
  FIELD(read_only, "readOnly", 3),
  FIELD(endpoints_namespace, "endpointsNamespace", 4))

MINATO_ATOMIC_STRUCT(SecretReference,
  FIELD(name, "name", 1),
  FIELD(namespace_, "namespace", 2))

MINATO_STRUCT(RBDPersistentVolumeSource,
  FIELD(ceph_monitors, "monitors", 1, kAtomic),
  FIELD(rbd_image, "image", 2, kAlways),
  FIELD(fs_type, "fsType", 3),
  FIELD(rbd_pool, "pool", 4),
  FIELD(rados_user, "user", 5),
  FIELD(keyring, "keyring", 6),
  FIELD(secret_ref, "secretRef", 7),
  FIELD(read_only, "readOnly", 8))

MINATO_STRUCT(ISCSIPersistentVolumeSource,
  FIELD(target_portal, "targetPortal", 1, kAlways),
  FIELD(iqn, "iqn", 2, kAlways),
  FIELD(lun, "lun", 3, kAlways),
  FIELD(iscsi_interface, "iscsiInterface", 4),
  FIELD(fs_type, "fsType", 5),
  FIELD(read_only, "readOnly", 6),
  FIELD(portals, "portals", 7, kAtomic),
  FIELD(discovery_chap_auth, "chapAuthDiscovery", 8),
  FIELD(session_chap_auth, "chapAuthSession", 11),
  FIELD(secret_ref, "secretRef", 10),
  FIELD(initiator_name, "initiatorName", 12))

MINATO_STRUCT(CinderPersistentVolumeSource,
  FIELD(volume_id, "volumeID", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(read_only, "readOnly", 3),
  FIELD(secret_ref, "secretRef", 4))

MINATO_STRUCT(CephFSPersistentVolumeSource,
  FIELD(monitors, "monitors", 1, kAtomic),
  FIELD(path, "path", 2),
  FIELD(user, "user", 3),
  FIELD(secret_file, "secretFile", 4),
  FIELD(secret_ref, "secretRef", 5),
  FIELD(read_only, "readOnly", 6))

MINATO_STRUCT(FlexPersistentVolumeSource,
  FIELD(driver, "driver", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(secret_ref, "secretRef", 3),
  FIELD(read_only, "readOnly", 4),
  FIELD(options, "options", 5))

MINATO_STRUCT(AzureFilePersistentVolumeSource,
  FIELD(secret_name, "secretName", 1, kAlways),
  FIELD(share_name, "shareName", 2, kAlways),
  FIELD(read_only, "readOnly", 3),
  FIELD(secret_namespace, "secretNamespace", 4, kAlways))

MINATO_STRUCT(ScaleIOPersistentVolumeSource,
  FIELD(gateway, "gateway", 1, kAlways),
  FIELD(system, "system", 2, kAlways),
  FIELD(secret_ref, "secretRef", 3, kAlways),
  FIELD(ssl_enabled, "sslEnabled", 4),
  FIELD(protection_domain, "protectionDomain", 5),
  FIELD(storage_pool, "storagePool", 6),
  FIELD(storage_mode, "storageMode", 7),
  FIELD(volume_name, "volumeName", 8),
  FIELD(fs_type, "fsType", 9),
  FIELD(read_only, "readOnly", 10))

MINATO_STRUCT(LocalVolumeSource,
  FIELD(path, "path", 1, kAlways),
  FIELD(fs_type, "fsType", 2))

MINATO_STRUCT(StorageOSPersistentVolumeSource,
  FIELD(volume_name, "volumeName", 1),
  FIELD(volume_namespace, "volumeNamespace", 2),
  FIELD(fs_type, "fsType", 3),
  FIELD(read_only, "readOnly", 4),
  FIELD(secret_ref, "secretRef", 5))

MINATO_STRUCT(CSIPersistentVolumeSource,
  FIELD(driver, "driver", 1, kAlways),
  FIELD(volume_handle, "volumeHandle", 2, kAlways),
  FIELD(read_only, "readOnly", 3),
  FIELD(fs_type, "fsType", 4),
  FIELD(volume_attributes, "volumeAttributes", 5),
  FIELD(controller_publish_secret_ref, "controllerPublishSecretRef", 6),
  FIELD(node_stage_secret_ref, "nodeStageSecretRef", 7),
  FIELD(node_publish_secret_ref, "nodePublishSecretRef", 8),
  FIELD(controller_expand_secret_ref, "controllerExpandSecretRef", 9),
  FIELD(node_expand_secret_ref, "nodeExpandSecretRef", 10))

DEFINE_SPECIAL_MEMBERS(PersistentVolumeSource);
MINATO_STRUCT(PersistentVolumeSource,
  FIELD(gce_persistent_disk, "gcePersistentDisk", 1),
  FIELD(aws_elastic_block_store, "awsElasticBlockStore", 2),
  FIELD(host_path, "hostPath", 3),
  FIELD(glusterfs, "glusterfs", 4),
  FIELD(nfs, "nfs", 5),
  FIELD(rbd, "rbd", 6),
  FIELD(iscsi, "iscsi", 7),
  FIELD(cinder, "cinder", 8),
  FIELD(ceph_fs, "cephfs", 9),
  FIELD(fc, "fc", 10),
  FIELD(flocker, "flocker", 11),
  FIELD(flex_volume, "flexVolume", 12),
  FIELD(azure_file, "azureFile", 13),
  FIELD(vsphere_volume, "vsphereVolume", 14),
  FIELD(quobyte, "quobyte", 15),
  FIELD(azure_disk, "azureDisk", 16),
  FIELD(photon_persistent_disk, "photonPersistentDisk", 17),
  FIELD(portworx_volume, "portworxVolume", 18),
  FIELD(scale_io, "scaleIO", 19),
  FIELD(local, "local", 20),
  FIELD(storage_os, "storageos", 21),
  FIELD(csi, "csi", 22))

MINATO_STRUCT(VolumeNodeAffinity,
  FIELD(required, "required", 1))

MINATO_STRUCT(PersistentVolumeSpec,
  FIELD(capacity, "capacity", 1),
  FIELD(persistent_volume_source, "", 2, kInline),
  FIELD(access_modes, "accessModes", 3, kAtomic),
  FIELD(claim_ref, "claimRef", 4),
  FIELD(persistent_volume_reclaim_policy, "persistentVolumeReclaimPolicy", 5),
  FIELD(storage_class_name, "storageClassName", 6),
  FIELD(mount_options, "mountOptions", 7, kAtomic),
  FIELD(volume_mode, "volumeMode", 8),
  FIELD(node_affinity, "nodeAffinity", 9),
  FIELD(volume_attributes_class_name, "volumeAttributesClassName", 10))

MINATO_STRUCT(PersistentVolumeStatus,
  FIELD(phase, "phase", 1),
  FIELD(message, "message", 2),
  FIELD(reason, "reason", 3),
  FIELD(last_phase_transition_time, "lastPhaseTransitionTime", 4))

DEFINE_SPECIAL_MEMBERS(PersistentVolume);
MINATO_STRUCT(PersistentVolume,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(PersistentVolumeClaimCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_probe_time, "lastProbeTime", 3),
  FIELD(last_transition_time, "lastTransitionTime", 4),
  FIELD(reason, "reason", 5),
  FIELD(message, "message", 6))

MINATO_STRUCT(ModifyVolumeStatus,
  FIELD(target_volume_attributes_class_name, "targetVolumeAttributesClassName", 1),
  FIELD(status, "status", 2, kAlways))

MINATO_STRUCT(PersistentVolumeClaimStatus,
  FIELD(phase, "phase", 1),
  FIELD(access_modes, "accessModes", 2, kAtomic),
  FIELD(capacity, "capacity", 3),
  FIELD(conditions, "conditions", 4, kMerge, "type"),
  FIELD(allocated_resources, "allocatedResources", 5),
  FIELD(allocated_resource_statuses, "allocatedResourceStatuses", 7),
  FIELD(current_volume_attributes_class_name, "currentVolumeAttributesClassName", 8),
  FIELD(modify_volume_status, "modifyVolumeStatus", 9))

DEFINE_SPECIAL_MEMBERS(PersistentVolumeClaim);
MINATO_STRUCT(PersistentVolumeClaim,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
