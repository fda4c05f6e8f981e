// core/v1: volumes and the references they share with containers.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct HostPathVolumeSource {
  std::string path;
  std::optional<std::string> type;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HostPathVolumeSource*);

struct EmptyDirVolumeSource {
  std::string medium;
  std::optional<Quantity> size_limit;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EmptyDirVolumeSource*);

struct GCEPersistentDiskVolumeSource {
  std::string pd_name;
  std::string fs_type;
  std::int32_t partition = 0;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const GCEPersistentDiskVolumeSource*);

struct AWSElasticBlockStoreVolumeSource {
  std::string volume_id;
  std::string fs_type;
  std::int32_t partition = 0;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AWSElasticBlockStoreVolumeSource*);

struct GitRepoVolumeSource {
  std::string repository;
  std::string revision;
  std::string directory;
  UnknownFields unknown;
};
const TypeInfo& reflect(const GitRepoVolumeSource*);

struct KeyToPath {
  std::string key;
  std::string path;
  std::optional<std::int32_t> mode;
  UnknownFields unknown;
};
const TypeInfo& reflect(const KeyToPath*);

struct SecretVolumeSource {
  std::string secret_name;
  std::vector<KeyToPath> items;
  std::optional<std::int32_t> default_mode;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecretVolumeSource*);

struct NFSVolumeSource {
  std::string server;
  std::string path;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NFSVolumeSource*);

struct LocalObjectReference {
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LocalObjectReference*);

struct ISCSIVolumeSource {
  std::string target_portal;
  std::string iqn;
  std::int32_t lun = 0;
  std::string iscsi_interface;
  std::string fs_type;
  bool read_only = false;
  std::vector<std::string> portals;
  bool chap_auth_discovery = false;
  bool chap_auth_session = false;
  Box<LocalObjectReference> secret_ref;
  std::optional<std::string> initiator_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ISCSIVolumeSource*);

struct GlusterfsVolumeSource {
  std::string endpoints;
  std::string path;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const GlusterfsVolumeSource*);

struct PersistentVolumeClaimVolumeSource {
  std::string claim_name;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeClaimVolumeSource*);

struct RBDVolumeSource {
  std::vector<std::string> monitors;
  std::string image;
  std::string fs_type;
  std::string pool;
  std::string user;
  std::string keyring;
  Box<LocalObjectReference> secret_ref;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const RBDVolumeSource*);

struct FlexVolumeSource {
  std::string driver;
  std::string fs_type;
  Box<LocalObjectReference> secret_ref;
  bool read_only = false;
  std::map<std::string, std::string> options;
  UnknownFields unknown;
};
const TypeInfo& reflect(const FlexVolumeSource*);

struct CinderVolumeSource {
  std::string volume_id;
  std::string fs_type;
  bool read_only = false;
  Box<LocalObjectReference> secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CinderVolumeSource*);

struct CephFSVolumeSource {
  std::vector<std::string> monitors;
  std::string path;
  std::string user;
  std::string secret_file;
  Box<LocalObjectReference> secret_ref;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CephFSVolumeSource*);

struct FlockerVolumeSource {
  std::string dataset_name;
  std::string dataset_uuid;
  UnknownFields unknown;
};
const TypeInfo& reflect(const FlockerVolumeSource*);

struct ObjectFieldSelector {
  std::string api_version;
  std::string field_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ObjectFieldSelector*);

struct ResourceFieldSelector {
  std::string container_name;
  std::string resource;
  Quantity divisor;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceFieldSelector*);

struct DownwardAPIVolumeFile {
  std::string path;
  Box<ObjectFieldSelector> field_ref;
  Box<ResourceFieldSelector> resource_field_ref;
  std::optional<std::int32_t> mode;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DownwardAPIVolumeFile*);

struct DownwardAPIVolumeSource {
  std::vector<DownwardAPIVolumeFile> items;
  std::optional<std::int32_t> default_mode;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DownwardAPIVolumeSource*);

struct FCVolumeSource {
  std::vector<std::string> target_ww_ns;
  std::optional<std::int32_t> lun;
  std::string fs_type;
  bool read_only = false;
  std::vector<std::string> wwids;
  UnknownFields unknown;
};
const TypeInfo& reflect(const FCVolumeSource*);

struct AzureFileVolumeSource {
  std::string secret_name;
  std::string share_name;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AzureFileVolumeSource*);

struct ConfigMapVolumeSource {
  LocalObjectReference local_object_reference;
  std::vector<KeyToPath> items;
  std::optional<std::int32_t> default_mode;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ConfigMapVolumeSource*);

struct VsphereVirtualDiskVolumeSource {
  std::string volume_path;
  std::string fs_type;
  std::string storage_policy_name;
  std::string storage_policy_id;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VsphereVirtualDiskVolumeSource*);

struct QuobyteVolumeSource {
  std::string registry;
  std::string volume;
  bool read_only = false;
  std::string user;
  std::string group;
  std::string tenant;
  UnknownFields unknown;
};
const TypeInfo& reflect(const QuobyteVolumeSource*);

struct AzureDiskVolumeSource {
  std::string disk_name;
  std::string disk_uri;
  std::optional<std::string> caching_mode;
  std::optional<std::string> fs_type;
  std::optional<bool> read_only;
  std::optional<std::string> kind;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AzureDiskVolumeSource*);

struct PhotonPersistentDiskVolumeSource {
  std::string pd_id;
  std::string fs_type;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PhotonPersistentDiskVolumeSource*);

struct SecretProjection {
  LocalObjectReference local_object_reference;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecretProjection*);

struct DownwardAPIProjection {
  std::vector<DownwardAPIVolumeFile> items;
  UnknownFields unknown;
};
const TypeInfo& reflect(const DownwardAPIProjection*);

struct ConfigMapProjection {
  LocalObjectReference local_object_reference;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ConfigMapProjection*);

struct ServiceAccountTokenProjection {
  std::string audience;
  std::optional<std::int64_t> expiration_seconds;
  std::string path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ServiceAccountTokenProjection*);

struct ClusterTrustBundleProjection {
  std::optional<std::string> name;
  std::optional<std::string> signer_name;
  Box<LabelSelector> label_selector;
  std::optional<bool> optional;
  std::string path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ClusterTrustBundleProjection*);

struct VolumeProjection {
  Box<SecretProjection> secret;
  Box<DownwardAPIProjection> downward_api;
  Box<ConfigMapProjection> config_map;
  Box<ServiceAccountTokenProjection> service_account_token;
  Box<ClusterTrustBundleProjection> cluster_trust_bundle;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeProjection*);

struct ProjectedVolumeSource {
  std::vector<VolumeProjection> sources;
  std::optional<std::int32_t> default_mode;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ProjectedVolumeSource*);

struct PortworxVolumeSource {
  std::string volume_id;
  std::string fs_type;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PortworxVolumeSource*);

struct ScaleIOVolumeSource {
  std::string gateway;
  std::string system;
  Box<LocalObjectReference> secret_ref;
  bool ssl_enabled = false;
  std::string protection_domain;
  std::string storage_pool;
  std::string storage_mode;
  std::string volume_name;
  std::string fs_type;
  bool read_only = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ScaleIOVolumeSource*);

struct StorageOSVolumeSource {
  std::string volume_name;
  std::string volume_namespace;
  std::string fs_type;
  bool read_only = false;
  Box<LocalObjectReference> secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const StorageOSVolumeSource*);

struct CSIVolumeSource {
  std::string driver;
  std::optional<bool> read_only;
  std::optional<std::string> fs_type;
  std::map<std::string, std::string> volume_attributes;
  Box<LocalObjectReference> node_publish_secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const CSIVolumeSource*);

struct VolumeResourceRequirements {
  std::map<std::string, Quantity> limits;
  std::map<std::string, Quantity> requests;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeResourceRequirements*);

struct TypedLocalObjectReference {
  std::optional<std::string> api_group;
  std::string kind;
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TypedLocalObjectReference*);

struct TypedObjectReference {
  std::optional<std::string> api_group;
  std::string kind;
  std::string name;
  std::optional<std::string> namespace_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TypedObjectReference*);

struct PersistentVolumeClaimSpec {
  DECLARE_SPECIAL_MEMBERS(PersistentVolumeClaimSpec);
  std::vector<std::string> access_modes;
  Box<LabelSelector> selector;
  VolumeResourceRequirements resources;
  std::string volume_name;
  std::optional<std::string> storage_class_name;
  std::optional<std::string> volume_mode;
  Box<TypedLocalObjectReference> data_source;
  Box<TypedObjectReference> data_source_ref;
  std::optional<std::string> volume_attributes_class_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeClaimSpec*);

struct PersistentVolumeClaimTemplate {
  ObjectMeta metadata;
  PersistentVolumeClaimSpec spec;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PersistentVolumeClaimTemplate*);

struct EphemeralVolumeSource {
  Box<PersistentVolumeClaimTemplate> volume_claim_template;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EphemeralVolumeSource*);

struct ImageVolumeSource {
  std::string reference;
  std::string pull_policy;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ImageVolumeSource*);

struct VolumeSource {
  DECLARE_SPECIAL_MEMBERS(VolumeSource);
  Box<HostPathVolumeSource> host_path;
  Box<EmptyDirVolumeSource> empty_dir;
  Box<GCEPersistentDiskVolumeSource> gce_persistent_disk;
  Box<AWSElasticBlockStoreVolumeSource> aws_elastic_block_store;
  Box<GitRepoVolumeSource> git_repo;
  Box<SecretVolumeSource> secret;
  Box<NFSVolumeSource> nfs;
  Box<ISCSIVolumeSource> iscsi;
  Box<GlusterfsVolumeSource> glusterfs;
  Box<PersistentVolumeClaimVolumeSource> persistent_volume_claim;
  Box<RBDVolumeSource> rbd;
  Box<FlexVolumeSource> flex_volume;
  Box<CinderVolumeSource> cinder;
  Box<CephFSVolumeSource> cephfs;
  Box<FlockerVolumeSource> flocker;
  Box<DownwardAPIVolumeSource> downward_api;
  Box<FCVolumeSource> fc;
  Box<AzureFileVolumeSource> azure_file;
  Box<ConfigMapVolumeSource> config_map;
  Box<VsphereVirtualDiskVolumeSource> vsphere_volume;
  Box<QuobyteVolumeSource> quobyte;
  Box<AzureDiskVolumeSource> azure_disk;
  Box<PhotonPersistentDiskVolumeSource> photon_persistent_disk;
  Box<ProjectedVolumeSource> projected;
  Box<PortworxVolumeSource> portworx_volume;
  Box<ScaleIOVolumeSource> scale_io;
  Box<StorageOSVolumeSource> storageos;
  Box<CSIVolumeSource> csi;
  Box<EphemeralVolumeSource> ephemeral;
  Box<ImageVolumeSource> image;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeSource*);

struct Volume {
  std::string name;
  VolumeSource volume_source;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Volume*);

}  // namespace minato::kube
