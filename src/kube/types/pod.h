// core/v1: Pod.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/container.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"
#include "kube/types/volume.h"

namespace minato::kube {

struct Sysctl {
  std::string name;
  std::string value;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Sysctl*);

struct PodSecurityContext {
  DECLARE_SPECIAL_MEMBERS(PodSecurityContext);
  Box<SELinuxOptions> se_linux_options;
  Box<WindowsSecurityContextOptions> windows_options;
  std::optional<std::int64_t> run_as_user;
  std::optional<std::int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::vector<std::int64_t> supplemental_groups;
  std::optional<std::string> supplemental_groups_policy;
  std::optional<std::int64_t> fs_group;
  std::vector<Sysctl> sysctls;
  std::optional<std::string> fs_group_change_policy;
  Box<SeccompProfile> seccomp_profile;
  Box<AppArmorProfile> app_armor_profile;
  std::optional<std::string> se_linux_change_policy;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodSecurityContext*);

struct NodeSelectorRequirement {
  std::string key;
  std::string operator_;
  std::vector<std::string> values;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeSelectorRequirement*);

struct NodeSelectorTerm {
  std::vector<NodeSelectorRequirement> match_expressions;
  std::vector<NodeSelectorRequirement> match_fields;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeSelectorTerm*);

struct NodeSelector {
  std::vector<NodeSelectorTerm> node_selector_terms;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeSelector*);

struct PreferredSchedulingTerm {
  std::int32_t weight = 0;
  NodeSelectorTerm preference;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PreferredSchedulingTerm*);

struct NodeAffinity {
  Box<NodeSelector> required_during_scheduling_ignored_during_execution;
  std::vector<PreferredSchedulingTerm> preferred_during_scheduling_ignored_during_execution;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NodeAffinity*);

struct PodAffinityTerm {
  DECLARE_SPECIAL_MEMBERS(PodAffinityTerm);
  Box<LabelSelector> label_selector;
  std::vector<std::string> namespaces;
  std::string topology_key;
  Box<LabelSelector> namespace_selector;
  std::vector<std::string> match_label_keys;
  std::vector<std::string> mismatch_label_keys;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodAffinityTerm*);

struct WeightedPodAffinityTerm {
  std::int32_t weight = 0;
  PodAffinityTerm pod_affinity_term;
  UnknownFields unknown;
};
const TypeInfo& reflect(const WeightedPodAffinityTerm*);

struct PodAffinity {
  std::vector<PodAffinityTerm> required_during_scheduling_ignored_during_execution;
  std::vector<WeightedPodAffinityTerm> preferred_during_scheduling_ignored_during_execution;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodAffinity*);

struct PodAntiAffinity {
  std::vector<PodAffinityTerm> required_during_scheduling_ignored_during_execution;
  std::vector<WeightedPodAffinityTerm> preferred_during_scheduling_ignored_during_execution;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodAntiAffinity*);

struct Affinity {
  DECLARE_SPECIAL_MEMBERS(Affinity);
  Box<NodeAffinity> node_affinity;
  Box<PodAffinity> pod_affinity;
  Box<PodAntiAffinity> pod_anti_affinity;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Affinity*);

struct Toleration {
  std::string key;
  std::string operator_;
  std::string value;
  std::string effect;
  std::optional<std::int64_t> toleration_seconds;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Toleration*);

struct HostAlias {
  std::string ip;
  std::vector<std::string> hostnames;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HostAlias*);

struct PodDNSConfigOption {
  std::string name;
  std::optional<std::string> value;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodDNSConfigOption*);

struct PodDNSConfig {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<PodDNSConfigOption> options;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodDNSConfig*);

struct PodReadinessGate {
  std::string condition_type;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodReadinessGate*);

struct TopologySpreadConstraint {
  std::int32_t max_skew = 0;
  std::string topology_key;
  std::string when_unsatisfiable;
  Box<LabelSelector> label_selector;
  std::optional<std::int32_t> min_domains;
  std::optional<std::string> node_affinity_policy;
  std::optional<std::string> node_taints_policy;
  std::vector<std::string> match_label_keys;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TopologySpreadConstraint*);

struct PodOS {
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodOS*);

struct PodSchedulingGate {
  std::string name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodSchedulingGate*);

struct PodResourceClaim {
  std::string name;
  std::optional<std::string> resource_claim_name;
  std::optional<std::string> resource_claim_template_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodResourceClaim*);

struct PodSpec {
  DECLARE_SPECIAL_MEMBERS(PodSpec);
  std::vector<Volume> volumes;
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<EphemeralContainer> ephemeral_containers;
  std::string restart_policy;
  std::optional<std::int64_t> termination_grace_period_seconds;
  std::optional<std::int64_t> active_deadline_seconds;
  std::string dns_policy;
  std::map<std::string, std::string> node_selector;
  std::string service_account_name;
  std::string service_account;
  std::optional<bool> automount_service_account_token;
  std::string node_name;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  std::optional<bool> share_process_namespace;
  Box<PodSecurityContext> security_context;
  std::vector<LocalObjectReference> image_pull_secrets;
  std::string hostname;
  std::string subdomain;
  Box<Affinity> affinity;
  std::string scheduler_name;
  std::vector<Toleration> tolerations;
  std::vector<HostAlias> host_aliases;
  std::string priority_class_name;
  std::optional<std::int32_t> priority;
  Box<PodDNSConfig> dns_config;
  std::vector<PodReadinessGate> readiness_gates;
  std::optional<std::string> runtime_class_name;
  std::optional<bool> enable_service_links;
  std::optional<std::string> preemption_policy;
  std::map<std::string, Quantity> overhead;
  std::vector<TopologySpreadConstraint> topology_spread_constraints;
  std::optional<bool> set_hostname_as_fqdn;
  Box<PodOS> os;
  std::optional<bool> host_users;
  std::vector<PodSchedulingGate> scheduling_gates;
  std::vector<PodResourceClaim> resource_claims;
  Box<ResourceRequirements> resources;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodSpec*);

struct PodCondition {
  std::string type;
  std::string status;
  Time last_probe_time;
  Time last_transition_time;
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodCondition*);

struct HostIP {
  std::string ip;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HostIP*);

struct PodIP {
  std::string ip;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodIP*);

struct ContainerStateWaiting {
  std::string reason;
  std::string message;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerStateWaiting*);

struct ContainerStateRunning {
  Time started_at;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerStateRunning*);

struct ContainerStateTerminated {
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string reason;
  std::string message;
  Time started_at;
  Time finished_at;
  std::string container_id;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerStateTerminated*);

struct ContainerState {
  Box<ContainerStateWaiting> waiting;
  Box<ContainerStateRunning> running;
  Box<ContainerStateTerminated> terminated;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerState*);

struct VolumeMountStatus {
  std::string name;
  std::string mount_path;
  bool read_only = false;
  std::optional<std::string> recursive_read_only;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeMountStatus*);

struct LinuxContainerUser {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::vector<std::int64_t> supplemental_groups;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LinuxContainerUser*);

struct ContainerUser {
  Box<LinuxContainerUser> linux;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerUser*);

struct ResourceHealth {
  std::string resource_id;
  std::string health;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceHealth*);

struct ResourceStatus {
  std::string name;
  std::vector<ResourceHealth> resources;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceStatus*);

struct ContainerStatus {
  DECLARE_SPECIAL_MEMBERS(ContainerStatus);
  std::string name;
  ContainerState state;
  ContainerState last_state;
  bool ready = false;
  std::int32_t restart_count = 0;
  std::string image;
  std::string image_id;
  std::string container_id;
  std::optional<bool> started;
  std::map<std::string, Quantity> allocated_resources;
  Box<ResourceRequirements> resources;
  std::vector<VolumeMountStatus> volume_mounts;
  Box<ContainerUser> user;
  std::vector<ResourceStatus> allocated_resources_status;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerStatus*);

struct PodResourceClaimStatus {
  std::string name;
  std::optional<std::string> resource_claim_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodResourceClaimStatus*);

struct PodStatus {
  DECLARE_SPECIAL_MEMBERS(PodStatus);
  std::string phase;
  std::vector<PodCondition> conditions;
  std::string message;
  std::string reason;
  std::string nominated_node_name;
  std::string host_ip;
  std::vector<HostIP> host_ips;
  std::string pod_ip;
  std::vector<PodIP> pod_ips;
  Time start_time;
  std::vector<ContainerStatus> init_container_statuses;
  std::vector<ContainerStatus> container_statuses;
  std::string qos_class;
  std::vector<ContainerStatus> ephemeral_container_statuses;
  std::string resize;
  std::vector<PodResourceClaimStatus> resource_claim_statuses;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodStatus*);

struct Pod final : ObjectOf<Pod> {
  DECLARE_SPECIAL_MEMBERS(Pod);
  static const Kind& static_kind();
  PodSpec spec;
  PodStatus status;
};
const TypeInfo& reflect(const Pod*);

struct ObjectReference {
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string api_version;
  std::string resource_version;
  std::string field_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ObjectReference*);

struct PodTemplateSpec {
  ObjectMeta metadata;
  PodSpec spec;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodTemplateSpec*);

}  // namespace minato::kube
