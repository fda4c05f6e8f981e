// core/v1: containers, probes, lifecycle, resources.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/types/scalars.h"
#include "kube/types/volume.h"

namespace minato::kube {

struct ContainerPort {
  std::string name;
  std::int32_t host_port = 0;
  std::int32_t container_port = 0;
  std::string protocol;
  std::string host_ip;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerPort*);

struct ConfigMapEnvSource {
  LocalObjectReference local_object_reference;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ConfigMapEnvSource*);

struct SecretEnvSource {
  LocalObjectReference local_object_reference;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecretEnvSource*);

struct EnvFromSource {
  std::string prefix;
  Box<ConfigMapEnvSource> config_map_ref;
  Box<SecretEnvSource> secret_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EnvFromSource*);

struct ConfigMapKeySelector {
  LocalObjectReference local_object_reference;
  std::string key;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ConfigMapKeySelector*);

struct SecretKeySelector {
  LocalObjectReference local_object_reference;
  std::string key;
  std::optional<bool> optional;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecretKeySelector*);

struct EnvVarSource {
  Box<ObjectFieldSelector> field_ref;
  Box<ResourceFieldSelector> resource_field_ref;
  Box<ConfigMapKeySelector> config_map_key_ref;
  Box<SecretKeySelector> secret_key_ref;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EnvVarSource*);

struct EnvVar {
  std::string name;
  std::string value;
  Box<EnvVarSource> value_from;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EnvVar*);

struct ResourceClaim {
  std::string name;
  std::string request;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceClaim*);

struct ResourceRequirements {
  std::map<std::string, Quantity> limits;
  std::map<std::string, Quantity> requests;
  std::vector<ResourceClaim> claims;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ResourceRequirements*);

struct ContainerResizePolicy {
  std::string resource_name;
  std::string restart_policy;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ContainerResizePolicy*);

struct VolumeMount {
  std::string name;
  bool read_only = false;
  std::optional<std::string> recursive_read_only;
  std::string mount_path;
  std::string sub_path;
  std::optional<std::string> mount_propagation;
  std::string sub_path_expr;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeMount*);

struct VolumeDevice {
  std::string name;
  std::string device_path;
  UnknownFields unknown;
};
const TypeInfo& reflect(const VolumeDevice*);

struct ExecAction {
  std::vector<std::string> command;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ExecAction*);

struct HTTPHeader {
  std::string name;
  std::string value;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HTTPHeader*);

struct HTTPGetAction {
  std::string path;
  IntOrString port;
  std::string host;
  std::string scheme;
  std::vector<HTTPHeader> http_headers;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HTTPGetAction*);

struct TCPSocketAction {
  IntOrString port;
  std::string host;
  UnknownFields unknown;
};
const TypeInfo& reflect(const TCPSocketAction*);

struct GRPCAction {
  std::int32_t port = 0;
  std::optional<std::string> service;
  UnknownFields unknown;
};
const TypeInfo& reflect(const GRPCAction*);

struct ProbeHandler {
  Box<ExecAction> exec;
  Box<HTTPGetAction> http_get;
  Box<TCPSocketAction> tcp_socket;
  Box<GRPCAction> grpc;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ProbeHandler*);

struct Probe {
  DECLARE_SPECIAL_MEMBERS(Probe);
  ProbeHandler probe_handler;
  std::int32_t initial_delay_seconds = 0;
  std::int32_t timeout_seconds = 0;
  std::int32_t period_seconds = 0;
  std::int32_t success_threshold = 0;
  std::int32_t failure_threshold = 0;
  std::optional<std::int64_t> termination_grace_period_seconds;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Probe*);

struct SleepAction {
  std::int64_t seconds = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SleepAction*);

struct LifecycleHandler {
  Box<ExecAction> exec;
  Box<HTTPGetAction> http_get;
  Box<TCPSocketAction> tcp_socket;
  Box<SleepAction> sleep;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LifecycleHandler*);

struct Lifecycle {
  Box<LifecycleHandler> post_start;
  Box<LifecycleHandler> pre_stop;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Lifecycle*);

struct Capabilities {
  std::vector<std::string> add;
  std::vector<std::string> drop;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Capabilities*);

struct SELinuxOptions {
  std::string user;
  std::string role;
  std::string type;
  std::string level;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SELinuxOptions*);

struct WindowsSecurityContextOptions {
  std::optional<std::string> gmsa_credential_spec_name;
  std::optional<std::string> gmsa_credential_spec;
  std::optional<std::string> run_as_user_name;
  std::optional<bool> host_process;
  UnknownFields unknown;
};
const TypeInfo& reflect(const WindowsSecurityContextOptions*);

struct SeccompProfile {
  std::string type;
  std::optional<std::string> localhost_profile;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SeccompProfile*);

struct AppArmorProfile {
  std::string type;
  std::optional<std::string> localhost_profile;
  UnknownFields unknown;
};
const TypeInfo& reflect(const AppArmorProfile*);

struct SecurityContext {
  DECLARE_SPECIAL_MEMBERS(SecurityContext);
  Box<Capabilities> capabilities;
  std::optional<bool> privileged;
  Box<SELinuxOptions> se_linux_options;
  Box<WindowsSecurityContextOptions> windows_options;
  std::optional<std::int64_t> run_as_user;
  std::optional<std::int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::optional<bool> read_only_root_filesystem;
  std::optional<bool> allow_privilege_escalation;
  std::optional<std::string> proc_mount;
  Box<SeccompProfile> seccomp_profile;
  Box<AppArmorProfile> app_armor_profile;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SecurityContext*);

struct Container {
  DECLARE_SPECIAL_MEMBERS(Container);
  Container(std::string its_name, std::string its_image);
  std::string name;
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<ContainerPort> ports;
  std::vector<EnvFromSource> env_from;
  std::vector<EnvVar> env;
  ResourceRequirements resources;
  std::vector<ContainerResizePolicy> resize_policy;
  std::optional<std::string> restart_policy;
  std::vector<VolumeMount> volume_mounts;
  std::vector<VolumeDevice> volume_devices;
  Box<Probe> liveness_probe;
  Box<Probe> readiness_probe;
  Box<Probe> startup_probe;
  Box<Lifecycle> lifecycle;
  std::string termination_message_path;
  std::string termination_message_policy;
  std::string image_pull_policy;
  Box<SecurityContext> security_context;
  bool stdin = false;
  bool stdin_once = false;
  bool tty = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Container*);

struct EphemeralContainerCommon {
  DECLARE_SPECIAL_MEMBERS(EphemeralContainerCommon);
  std::string name;
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<ContainerPort> ports;
  std::vector<EnvFromSource> env_from;
  std::vector<EnvVar> env;
  ResourceRequirements resources;
  std::vector<ContainerResizePolicy> resize_policy;
  std::optional<std::string> restart_policy;
  std::vector<VolumeMount> volume_mounts;
  std::vector<VolumeDevice> volume_devices;
  Box<Probe> liveness_probe;
  Box<Probe> readiness_probe;
  Box<Probe> startup_probe;
  Box<Lifecycle> lifecycle;
  std::string termination_message_path;
  std::string termination_message_policy;
  std::string image_pull_policy;
  Box<SecurityContext> security_context;
  bool stdin = false;
  bool stdin_once = false;
  bool tty = false;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EphemeralContainerCommon*);

struct EphemeralContainer {
  EphemeralContainerCommon ephemeral_container_common;
  std::string target_container_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const EphemeralContainer*);

}  // namespace minato::kube
