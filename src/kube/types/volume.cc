#include "kube/types/volume.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(HostPathVolumeSource,
  FIELD(path, "path", 1, kAlways),
  FIELD(type, "type", 2))

MINATO_STRUCT(EmptyDirVolumeSource,
  FIELD(medium, "medium", 1),
  FIELD(size_limit, "sizeLimit", 2))

MINATO_STRUCT(GCEPersistentDiskVolumeSource,
  FIELD(pd_name, "pdName", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(partition, "partition", 3),
  FIELD(read_only, "readOnly", 4))

MINATO_STRUCT(AWSElasticBlockStoreVolumeSource,
  FIELD(volume_id, "volumeID", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(partition, "partition", 3),
  FIELD(read_only, "readOnly", 4))

MINATO_STRUCT(GitRepoVolumeSource,
  FIELD(repository, "repository", 1, kAlways),
  FIELD(revision, "revision", 2),
  FIELD(directory, "directory", 3))

MINATO_STRUCT(KeyToPath,
  FIELD(key, "key", 1, kAlways),
  FIELD(path, "path", 2, kAlways),
  FIELD(mode, "mode", 3))

MINATO_STRUCT(SecretVolumeSource,
  FIELD(secret_name, "secretName", 1),
  FIELD(items, "items", 2, kAtomic),
  FIELD(default_mode, "defaultMode", 3),
  FIELD(optional, "optional", 4))

MINATO_STRUCT(NFSVolumeSource,
  FIELD(server, "server", 1, kAlways),
  FIELD(path, "path", 2, kAlways),
  FIELD(read_only, "readOnly", 3))

MINATO_ATOMIC_STRUCT(LocalObjectReference,
  FIELD(name, "name", 1))

MINATO_STRUCT(ISCSIVolumeSource,
  FIELD(target_portal, "targetPortal", 1, kAlways),
  FIELD(iqn, "iqn", 2, kAlways),
  FIELD(lun, "lun", 3, kAlways),
  FIELD(iscsi_interface, "iscsiInterface", 4),
  FIELD(fs_type, "fsType", 5),
  FIELD(read_only, "readOnly", 6),
  FIELD(portals, "portals", 7, kAtomic),
  FIELD(chap_auth_discovery, "chapAuthDiscovery", 8),
  FIELD(chap_auth_session, "chapAuthSession", 11),
  FIELD(secret_ref, "secretRef", 10),
  FIELD(initiator_name, "initiatorName", 12))

MINATO_STRUCT(GlusterfsVolumeSource,
  FIELD(endpoints, "endpoints", 1, kAlways),
  FIELD(path, "path", 2, kAlways),
  FIELD(read_only, "readOnly", 3))

MINATO_STRUCT(PersistentVolumeClaimVolumeSource,
  FIELD(claim_name, "claimName", 1, kAlways),
  FIELD(read_only, "readOnly", 2))

MINATO_STRUCT(RBDVolumeSource,
  FIELD(monitors, "monitors", 1, kAlways | kAtomic),
  FIELD(image, "image", 2, kAlways),
  FIELD(fs_type, "fsType", 3),
  FIELD(pool, "pool", 4),
  FIELD(user, "user", 5),
  FIELD(keyring, "keyring", 6),
  FIELD(secret_ref, "secretRef", 7),
  FIELD(read_only, "readOnly", 8))

MINATO_STRUCT(FlexVolumeSource,
  FIELD(driver, "driver", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(secret_ref, "secretRef", 3),
  FIELD(read_only, "readOnly", 4),
  FIELD(options, "options", 5))

MINATO_STRUCT(CinderVolumeSource,
  FIELD(volume_id, "volumeID", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(read_only, "readOnly", 3),
  FIELD(secret_ref, "secretRef", 4))

MINATO_STRUCT(CephFSVolumeSource,
  FIELD(monitors, "monitors", 1, kAlways | kAtomic),
  FIELD(path, "path", 2),
  FIELD(user, "user", 3),
  FIELD(secret_file, "secretFile", 4),
  FIELD(secret_ref, "secretRef", 5),
  FIELD(read_only, "readOnly", 6))

MINATO_STRUCT(FlockerVolumeSource,
  FIELD(dataset_name, "datasetName", 1),
  FIELD(dataset_uuid, "datasetUUID", 2))

MINATO_ATOMIC_STRUCT(ObjectFieldSelector,
  FIELD(api_version, "apiVersion", 1),
  FIELD(field_path, "fieldPath", 2, kAlways))

MINATO_ATOMIC_STRUCT(ResourceFieldSelector,
  FIELD(container_name, "containerName", 1),
  FIELD(resource, "resource", 2, kAlways),
  FIELD(divisor, "divisor", 3))

MINATO_STRUCT(DownwardAPIVolumeFile,
  FIELD(path, "path", 1, kAlways),
  FIELD(field_ref, "fieldRef", 2),
  FIELD(resource_field_ref, "resourceFieldRef", 3),
  FIELD(mode, "mode", 4))

MINATO_STRUCT(DownwardAPIVolumeSource,
  FIELD(items, "items", 1, kAtomic),
  FIELD(default_mode, "defaultMode", 2))

MINATO_STRUCT(FCVolumeSource,
  FIELD(target_ww_ns, "targetWWNs", 1, kAtomic),
  FIELD(lun, "lun", 2),
  FIELD(fs_type, "fsType", 3),
  FIELD(read_only, "readOnly", 4),
  FIELD(wwids, "wwids", 5, kAtomic))

MINATO_STRUCT(AzureFileVolumeSource,
  FIELD(secret_name, "secretName", 1, kAlways),
  FIELD(share_name, "shareName", 2, kAlways),
  FIELD(read_only, "readOnly", 3))

MINATO_STRUCT(ConfigMapVolumeSource,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(items, "items", 2, kAtomic),
  FIELD(default_mode, "defaultMode", 3),
  FIELD(optional, "optional", 4))

MINATO_STRUCT(VsphereVirtualDiskVolumeSource,
  FIELD(volume_path, "volumePath", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(storage_policy_name, "storagePolicyName", 3),
  FIELD(storage_policy_id, "storagePolicyID", 4))

MINATO_STRUCT(QuobyteVolumeSource,
  FIELD(registry, "registry", 1, kAlways),
  FIELD(volume, "volume", 2, kAlways),
  FIELD(read_only, "readOnly", 3),
  FIELD(user, "user", 4),
  FIELD(group, "group", 5),
  FIELD(tenant, "tenant", 6))

MINATO_STRUCT(AzureDiskVolumeSource,
  FIELD(disk_name, "diskName", 1, kAlways),
  FIELD(disk_uri, "diskURI", 2, kAlways),
  FIELD(caching_mode, "cachingMode", 3),
  FIELD(fs_type, "fsType", 4),
  FIELD(read_only, "readOnly", 5),
  FIELD(kind, "kind", 6))

MINATO_STRUCT(PhotonPersistentDiskVolumeSource,
  FIELD(pd_id, "pdID", 1, kAlways),
  FIELD(fs_type, "fsType", 2))

MINATO_STRUCT(SecretProjection,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(items, "items", 2, kAtomic),
  FIELD(optional, "optional", 4))

MINATO_STRUCT(DownwardAPIProjection,
  FIELD(items, "items", 1, kAtomic))

MINATO_STRUCT(ConfigMapProjection,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(items, "items", 2, kAtomic),
  FIELD(optional, "optional", 4))

MINATO_STRUCT(ServiceAccountTokenProjection,
  FIELD(audience, "audience", 1),
  FIELD(expiration_seconds, "expirationSeconds", 2),
  FIELD(path, "path", 3, kAlways))

MINATO_STRUCT(ClusterTrustBundleProjection,
  FIELD(name, "name", 1),
  FIELD(signer_name, "signerName", 2),
  FIELD(label_selector, "labelSelector", 3),
  FIELD(optional, "optional", 5),
  FIELD(path, "path", 4, kAlways))

MINATO_STRUCT(VolumeProjection,
  FIELD(secret, "secret", 1),
  FIELD(downward_api, "downwardAPI", 2),
  FIELD(config_map, "configMap", 3),
  FIELD(service_account_token, "serviceAccountToken", 4),
  FIELD(cluster_trust_bundle, "clusterTrustBundle", 5))

MINATO_STRUCT(ProjectedVolumeSource,
  FIELD(sources, "sources", 1, kAlways | kAtomic),
  FIELD(default_mode, "defaultMode", 2))

MINATO_STRUCT(PortworxVolumeSource,
  FIELD(volume_id, "volumeID", 1, kAlways),
  FIELD(fs_type, "fsType", 2),
  FIELD(read_only, "readOnly", 3))

MINATO_STRUCT(ScaleIOVolumeSource,
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

MINATO_STRUCT(StorageOSVolumeSource,
  FIELD(volume_name, "volumeName", 1),
  FIELD(volume_namespace, "volumeNamespace", 2),
  FIELD(fs_type, "fsType", 3),
  FIELD(read_only, "readOnly", 4),
  FIELD(secret_ref, "secretRef", 5))

MINATO_STRUCT(CSIVolumeSource,
  FIELD(driver, "driver", 1, kAlways),
  FIELD(read_only, "readOnly", 2),
  FIELD(fs_type, "fsType", 3),
  FIELD(volume_attributes, "volumeAttributes", 4),
  FIELD(node_publish_secret_ref, "nodePublishSecretRef", 5))

MINATO_STRUCT(VolumeResourceRequirements,
  FIELD(limits, "limits", 1),
  FIELD(requests, "requests", 2))

MINATO_ATOMIC_STRUCT(TypedLocalObjectReference,
  FIELD(api_group, "apiGroup", 1, kAlways),
  FIELD(kind, "kind", 2, kAlways),
  FIELD(name, "name", 3, kAlways))

MINATO_STRUCT(TypedObjectReference,
  FIELD(api_group, "apiGroup", 1, kAlways),
  FIELD(kind, "kind", 2, kAlways),
  FIELD(name, "name", 3, kAlways),
  FIELD(namespace_, "namespace", 4))

DEFINE_SPECIAL_MEMBERS(PersistentVolumeClaimSpec);
MINATO_STRUCT(PersistentVolumeClaimSpec,
  FIELD(access_modes, "accessModes", 1, kAtomic),
  FIELD(selector, "selector", 4),
  FIELD(resources, "resources", 2),
  FIELD(volume_name, "volumeName", 3),
  FIELD(storage_class_name, "storageClassName", 5),
  FIELD(volume_mode, "volumeMode", 6),
  FIELD(data_source, "dataSource", 7),
  FIELD(data_source_ref, "dataSourceRef", 8),
  FIELD(volume_attributes_class_name, "volumeAttributesClassName", 9))

MINATO_STRUCT(PersistentVolumeClaimTemplate,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2, kAlways))

MINATO_STRUCT(EphemeralVolumeSource,
  FIELD(volume_claim_template, "volumeClaimTemplate", 1))

MINATO_STRUCT(ImageVolumeSource,
  FIELD(reference, "reference", 1),
  FIELD(pull_policy, "pullPolicy", 2))

DEFINE_SPECIAL_MEMBERS(VolumeSource);
MINATO_STRUCT(VolumeSource,
  FIELD(host_path, "hostPath", 1),
  FIELD(empty_dir, "emptyDir", 2),
  FIELD(gce_persistent_disk, "gcePersistentDisk", 3),
  FIELD(aws_elastic_block_store, "awsElasticBlockStore", 4),
  FIELD(git_repo, "gitRepo", 5),
  FIELD(secret, "secret", 6),
  FIELD(nfs, "nfs", 7),
  FIELD(iscsi, "iscsi", 8),
  FIELD(glusterfs, "glusterfs", 9),
  FIELD(persistent_volume_claim, "persistentVolumeClaim", 10),
  FIELD(rbd, "rbd", 11),
  FIELD(flex_volume, "flexVolume", 12),
  FIELD(cinder, "cinder", 13),
  FIELD(cephfs, "cephfs", 14),
  FIELD(flocker, "flocker", 15),
  FIELD(downward_api, "downwardAPI", 16),
  FIELD(fc, "fc", 17),
  FIELD(azure_file, "azureFile", 18),
  FIELD(config_map, "configMap", 19),
  FIELD(vsphere_volume, "vsphereVolume", 20),
  FIELD(quobyte, "quobyte", 21),
  FIELD(azure_disk, "azureDisk", 22),
  FIELD(photon_persistent_disk, "photonPersistentDisk", 23),
  FIELD(projected, "projected", 26),
  FIELD(portworx_volume, "portworxVolume", 24),
  FIELD(scale_io, "scaleIO", 25),
  FIELD(storageos, "storageos", 27),
  FIELD(csi, "csi", 28),
  FIELD(ephemeral, "ephemeral", 29),
  FIELD(image, "image", 30))

MINATO_STRUCT(Volume,
  FIELD(name, "name", 1, kAlways),
  FIELD(volume_source, "", 2, kInline))

}  // namespace minato::kube
