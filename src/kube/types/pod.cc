#include "kube/types/pod.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(Sysctl,
  FIELD(name, "name", 1, kAlways),
  FIELD(value, "value", 2, kAlways))

DEFINE_SPECIAL_MEMBERS(PodSecurityContext);
MINATO_STRUCT(PodSecurityContext,
  FIELD(se_linux_options, "seLinuxOptions", 1),
  FIELD(windows_options, "windowsOptions", 8),
  FIELD(run_as_user, "runAsUser", 2),
  FIELD(run_as_group, "runAsGroup", 6),
  FIELD(run_as_non_root, "runAsNonRoot", 3),
  FIELD(supplemental_groups, "supplementalGroups", 4, kAtomic),
  FIELD(supplemental_groups_policy, "supplementalGroupsPolicy", 12),
  FIELD(fs_group, "fsGroup", 5),
  FIELD(sysctls, "sysctls", 7, kAtomic),
  FIELD(fs_group_change_policy, "fsGroupChangePolicy", 9),
  FIELD(seccomp_profile, "seccompProfile", 10),
  FIELD(app_armor_profile, "appArmorProfile", 11),
  FIELD(se_linux_change_policy, "seLinuxChangePolicy", 13))

MINATO_STRUCT(NodeSelectorRequirement,
  FIELD(key, "key", 1, kAlways),
  FIELD(operator_, "operator", 2, kAlways),
  FIELD(values, "values", 3, kAtomic))

MINATO_ATOMIC_STRUCT(NodeSelectorTerm,
  FIELD(match_expressions, "matchExpressions", 1, kAtomic),
  FIELD(match_fields, "matchFields", 2, kAtomic))

MINATO_ATOMIC_STRUCT(NodeSelector,
  FIELD(node_selector_terms, "nodeSelectorTerms", 1, kAlways | kAtomic))

MINATO_STRUCT(PreferredSchedulingTerm,
  FIELD(weight, "weight", 1, kAlways),
  FIELD(preference, "preference", 2, kAlways))

MINATO_STRUCT(NodeAffinity,
  FIELD(required_during_scheduling_ignored_during_execution, "requiredDuringSchedulingIgnoredDuringExecution", 1),
  FIELD(preferred_during_scheduling_ignored_during_execution, "preferredDuringSchedulingIgnoredDuringExecution", 2, kAtomic))

DEFINE_SPECIAL_MEMBERS(PodAffinityTerm);
MINATO_STRUCT(PodAffinityTerm,
  FIELD(label_selector, "labelSelector", 1),
  FIELD(namespaces, "namespaces", 2, kAtomic),
  FIELD(topology_key, "topologyKey", 3, kAlways),
  FIELD(namespace_selector, "namespaceSelector", 4),
  FIELD(match_label_keys, "matchLabelKeys", 5, kAtomic),
  FIELD(mismatch_label_keys, "mismatchLabelKeys", 6, kAtomic))

MINATO_STRUCT(WeightedPodAffinityTerm,
  FIELD(weight, "weight", 1, kAlways),
  FIELD(pod_affinity_term, "podAffinityTerm", 2, kAlways))

MINATO_STRUCT(PodAffinity,
  FIELD(required_during_scheduling_ignored_during_execution, "requiredDuringSchedulingIgnoredDuringExecution", 1, kAtomic),
  FIELD(preferred_during_scheduling_ignored_during_execution, "preferredDuringSchedulingIgnoredDuringExecution", 2, kAtomic))

MINATO_STRUCT(PodAntiAffinity,
  FIELD(required_during_scheduling_ignored_during_execution, "requiredDuringSchedulingIgnoredDuringExecution", 1, kAtomic),
  FIELD(preferred_during_scheduling_ignored_during_execution, "preferredDuringSchedulingIgnoredDuringExecution", 2, kAtomic))

DEFINE_SPECIAL_MEMBERS(Affinity);
MINATO_STRUCT(Affinity,
  FIELD(node_affinity, "nodeAffinity", 1),
  FIELD(pod_affinity, "podAffinity", 2),
  FIELD(pod_anti_affinity, "podAntiAffinity", 3))

MINATO_STRUCT(Toleration,
  FIELD(key, "key", 1),
  FIELD(operator_, "operator", 2),
  FIELD(value, "value", 3),
  FIELD(effect, "effect", 4),
  FIELD(toleration_seconds, "tolerationSeconds", 5))

MINATO_STRUCT(HostAlias,
  FIELD(ip, "ip", 1, kAlways),
  FIELD(hostnames, "hostnames", 2, kAtomic))

MINATO_STRUCT(PodDNSConfigOption,
  FIELD(name, "name", 1),
  FIELD(value, "value", 2))

MINATO_STRUCT(PodDNSConfig,
  FIELD(nameservers, "nameservers", 1, kAtomic),
  FIELD(searches, "searches", 2, kAtomic),
  FIELD(options, "options", 3, kAtomic))

MINATO_STRUCT(PodReadinessGate,
  FIELD(condition_type, "conditionType", 1, kAlways))

MINATO_STRUCT(TopologySpreadConstraint,
  FIELD(max_skew, "maxSkew", 1, kAlways),
  FIELD(topology_key, "topologyKey", 2, kAlways),
  FIELD(when_unsatisfiable, "whenUnsatisfiable", 3, kAlways),
  FIELD(label_selector, "labelSelector", 4),
  FIELD(min_domains, "minDomains", 5),
  FIELD(node_affinity_policy, "nodeAffinityPolicy", 6),
  FIELD(node_taints_policy, "nodeTaintsPolicy", 7),
  FIELD(match_label_keys, "matchLabelKeys", 8, kAtomic))

MINATO_STRUCT(PodOS,
  FIELD(name, "name", 1, kAlways))

MINATO_STRUCT(PodSchedulingGate,
  FIELD(name, "name", 1, kAlways))

MINATO_STRUCT(PodResourceClaim,
  FIELD(name, "name", 1, kAlways),
  FIELD(resource_claim_name, "resourceClaimName", 3),
  FIELD(resource_claim_template_name, "resourceClaimTemplateName", 4))

DEFINE_SPECIAL_MEMBERS(PodSpec);
MINATO_STRUCT(PodSpec,
  FIELD(volumes, "volumes", 1, kMerge | kRetainKeys, "name"),
  FIELD(init_containers, "initContainers", 20, kMerge, "name"),
  FIELD(containers, "containers", 2, kAlways | kMerge, "name"),
  FIELD(ephemeral_containers, "ephemeralContainers", 34, kMerge, "name"),
  FIELD(restart_policy, "restartPolicy", 3),
  FIELD(termination_grace_period_seconds, "terminationGracePeriodSeconds", 4),
  FIELD(active_deadline_seconds, "activeDeadlineSeconds", 5),
  FIELD(dns_policy, "dnsPolicy", 6),
  FIELD(node_selector, "nodeSelector", 7, kAtomic),
  FIELD(service_account_name, "serviceAccountName", 8),
  FIELD(service_account, "serviceAccount", 9),
  FIELD(automount_service_account_token, "automountServiceAccountToken", 21),
  FIELD(node_name, "nodeName", 10),
  FIELD(host_network, "hostNetwork", 11),
  FIELD(host_pid, "hostPID", 12),
  FIELD(host_ipc, "hostIPC", 13),
  FIELD(share_process_namespace, "shareProcessNamespace", 27),
  FIELD(security_context, "securityContext", 14),
  FIELD(image_pull_secrets, "imagePullSecrets", 15, kMerge, "name"),
  FIELD(hostname, "hostname", 16),
  FIELD(subdomain, "subdomain", 17),
  FIELD(affinity, "affinity", 18),
  FIELD(scheduler_name, "schedulerName", 19),
  FIELD(tolerations, "tolerations", 22, kAtomic),
  FIELD(host_aliases, "hostAliases", 23, kMerge, "ip"),
  FIELD(priority_class_name, "priorityClassName", 24),
  FIELD(priority, "priority", 25),
  FIELD(dns_config, "dnsConfig", 26),
  FIELD(readiness_gates, "readinessGates", 28, kAtomic),
  FIELD(runtime_class_name, "runtimeClassName", 29),
  FIELD(enable_service_links, "enableServiceLinks", 30),
  FIELD(preemption_policy, "preemptionPolicy", 31),
  FIELD(overhead, "overhead", 32),
  FIELD(topology_spread_constraints, "topologySpreadConstraints", 33, kMerge, "topologyKey", "topologyKey,whenUnsatisfiable"),
  FIELD(set_hostname_as_fqdn, "setHostnameAsFQDN", 35),
  FIELD(os, "os", 36),
  FIELD(host_users, "hostUsers", 37),
  FIELD(scheduling_gates, "schedulingGates", 38, kMerge, "name"),
  FIELD(resource_claims, "resourceClaims", 39, kMerge | kRetainKeys, "name"),
  FIELD(resources, "resources", 40))

MINATO_STRUCT(PodCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_probe_time, "lastProbeTime", 3),
  FIELD(last_transition_time, "lastTransitionTime", 4),
  FIELD(reason, "reason", 5),
  FIELD(message, "message", 6))

MINATO_STRUCT(HostIP,
  FIELD(ip, "ip", 1, kAlways))

MINATO_STRUCT(PodIP,
  FIELD(ip, "ip", 1, kAlways))

MINATO_STRUCT(ContainerStateWaiting,
  FIELD(reason, "reason", 1),
  FIELD(message, "message", 2))

MINATO_STRUCT(ContainerStateRunning,
  FIELD(started_at, "startedAt", 1))

MINATO_STRUCT(ContainerStateTerminated,
  FIELD(exit_code, "exitCode", 1, kAlways),
  FIELD(signal, "signal", 2),
  FIELD(reason, "reason", 3),
  FIELD(message, "message", 4),
  FIELD(started_at, "startedAt", 5),
  FIELD(finished_at, "finishedAt", 6),
  FIELD(container_id, "containerID", 7))

MINATO_STRUCT(ContainerState,
  FIELD(waiting, "waiting", 1),
  FIELD(running, "running", 2),
  FIELD(terminated, "terminated", 3))

MINATO_STRUCT(VolumeMountStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(mount_path, "mountPath", 2, kAlways),
  FIELD(read_only, "readOnly", 3),
  FIELD(recursive_read_only, "recursiveReadOnly", 4))

MINATO_STRUCT(LinuxContainerUser,
  FIELD(uid, "uid", 1, kAlways),
  FIELD(gid, "gid", 2, kAlways),
  FIELD(supplemental_groups, "supplementalGroups", 3, kAtomic))

MINATO_STRUCT(ContainerUser,
  FIELD(linux, "linux", 1))

MINATO_STRUCT(ResourceHealth,
  FIELD(resource_id, "resourceID", 1, kAlways),
  FIELD(health, "health", 2))

MINATO_STRUCT(ResourceStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(resources, "resources", 2, 0, "", "resourceID"))

DEFINE_SPECIAL_MEMBERS(ContainerStatus);
MINATO_STRUCT(ContainerStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(state, "state", 2),
  FIELD(last_state, "lastState", 3),
  FIELD(ready, "ready", 4, kAlways),
  FIELD(restart_count, "restartCount", 5, kAlways),
  FIELD(image, "image", 6, kAlways),
  FIELD(image_id, "imageID", 7, kAlways),
  FIELD(container_id, "containerID", 8),
  FIELD(started, "started", 9),
  FIELD(allocated_resources, "allocatedResources", 10),
  FIELD(resources, "resources", 11),
  FIELD(volume_mounts, "volumeMounts", 12, kMerge, "mountPath"),
  FIELD(user, "user", 13),
  FIELD(allocated_resources_status, "allocatedResourcesStatus", 14, kMerge, "name"))

MINATO_STRUCT(PodResourceClaimStatus,
  FIELD(name, "name", 1, kAlways),
  FIELD(resource_claim_name, "resourceClaimName", 2))

DEFINE_SPECIAL_MEMBERS(PodStatus);
MINATO_STRUCT(PodStatus,
  FIELD(phase, "phase", 1),
  FIELD(conditions, "conditions", 2, kMerge, "type"),
  FIELD(message, "message", 3),
  FIELD(reason, "reason", 4),
  FIELD(nominated_node_name, "nominatedNodeName", 11),
  FIELD(host_ip, "hostIP", 5),
  FIELD(host_ips, "hostIPs", 16, kMerge | kAtomic, "ip"),
  FIELD(pod_ip, "podIP", 6),
  FIELD(pod_ips, "podIPs", 12, kMerge, "ip"),
  FIELD(start_time, "startTime", 7),
  FIELD(init_container_statuses, "initContainerStatuses", 10, kAtomic),
  FIELD(container_statuses, "containerStatuses", 8, kAtomic),
  FIELD(qos_class, "qosClass", 9),
  FIELD(ephemeral_container_statuses, "ephemeralContainerStatuses", 13, kAtomic),
  FIELD(resize, "resize", 14),
  FIELD(resource_claim_statuses, "resourceClaimStatuses", 15, kMerge | kRetainKeys, "name"))

DEFINE_SPECIAL_MEMBERS(Pod);
MINATO_STRUCT(Pod,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_ATOMIC_STRUCT(ObjectReference,
  FIELD(kind, "kind", 1),
  FIELD(namespace_, "namespace", 2),
  FIELD(name, "name", 3),
  FIELD(uid, "uid", 4),
  FIELD(api_version, "apiVersion", 5),
  FIELD(resource_version, "resourceVersion", 6),
  FIELD(field_path, "fieldPath", 7))

MINATO_STRUCT(PodTemplateSpec,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

}  // namespace minato::kube
