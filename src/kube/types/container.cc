#include "kube/types/container.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(ContainerPort,
  FIELD(name, "name", 1),
  FIELD(host_port, "hostPort", 2),
  FIELD(container_port, "containerPort", 3, kAlways),
  FIELD(protocol, "protocol", 4),
  FIELD(host_ip, "hostIP", 5))

MINATO_STRUCT(ConfigMapEnvSource,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(optional, "optional", 2))

MINATO_STRUCT(SecretEnvSource,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(optional, "optional", 2))

MINATO_STRUCT(EnvFromSource,
  FIELD(prefix, "prefix", 1),
  FIELD(config_map_ref, "configMapRef", 2),
  FIELD(secret_ref, "secretRef", 3))

MINATO_ATOMIC_STRUCT(ConfigMapKeySelector,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(key, "key", 2, kAlways),
  FIELD(optional, "optional", 3))

MINATO_ATOMIC_STRUCT(SecretKeySelector,
  FIELD(local_object_reference, "", 1, kInline),
  FIELD(key, "key", 2, kAlways),
  FIELD(optional, "optional", 3))

MINATO_STRUCT(EnvVarSource,
  FIELD(field_ref, "fieldRef", 1),
  FIELD(resource_field_ref, "resourceFieldRef", 2),
  FIELD(config_map_key_ref, "configMapKeyRef", 3),
  FIELD(secret_key_ref, "secretKeyRef", 4))

MINATO_STRUCT(EnvVar,
  FIELD(name, "name", 1, kAlways),
  FIELD(value, "value", 2),
  FIELD(value_from, "valueFrom", 3))

MINATO_STRUCT(ResourceClaim,
  FIELD(name, "name", 1, kAlways),
  FIELD(request, "request", 2))

MINATO_STRUCT(ResourceRequirements,
  FIELD(limits, "limits", 1),
  FIELD(requests, "requests", 2),
  FIELD(claims, "claims", 3, 0, "", "name"))

MINATO_STRUCT(ContainerResizePolicy,
  FIELD(resource_name, "resourceName", 1, kAlways),
  FIELD(restart_policy, "restartPolicy", 2, kAlways))

MINATO_STRUCT(VolumeMount,
  FIELD(name, "name", 1, kAlways),
  FIELD(read_only, "readOnly", 2),
  FIELD(recursive_read_only, "recursiveReadOnly", 7),
  FIELD(mount_path, "mountPath", 3, kAlways),
  FIELD(sub_path, "subPath", 4),
  FIELD(mount_propagation, "mountPropagation", 5),
  FIELD(sub_path_expr, "subPathExpr", 6))

MINATO_STRUCT(VolumeDevice,
  FIELD(name, "name", 1, kAlways),
  FIELD(device_path, "devicePath", 2, kAlways))

MINATO_STRUCT(ExecAction,
  FIELD(command, "command", 1, kAtomic))

MINATO_STRUCT(HTTPHeader,
  FIELD(name, "name", 1, kAlways),
  FIELD(value, "value", 2, kAlways))

MINATO_STRUCT(HTTPGetAction,
  FIELD(path, "path", 1),
  FIELD(port, "port", 2, kAlways),
  FIELD(host, "host", 3),
  FIELD(scheme, "scheme", 4),
  FIELD(http_headers, "httpHeaders", 5, kAtomic))

MINATO_STRUCT(TCPSocketAction,
  FIELD(port, "port", 1, kAlways),
  FIELD(host, "host", 2))

MINATO_STRUCT(GRPCAction,
  FIELD(port, "port", 1, kAlways),
  FIELD(service, "service", 2, kAlways))

MINATO_STRUCT(ProbeHandler,
  FIELD(exec, "exec", 1),
  FIELD(http_get, "httpGet", 2),
  FIELD(tcp_socket, "tcpSocket", 3),
  FIELD(grpc, "grpc", 4))

DEFINE_SPECIAL_MEMBERS(Probe);
MINATO_STRUCT(Probe,
  FIELD(probe_handler, "", 1, kInline),
  FIELD(initial_delay_seconds, "initialDelaySeconds", 2),
  FIELD(timeout_seconds, "timeoutSeconds", 3),
  FIELD(period_seconds, "periodSeconds", 4),
  FIELD(success_threshold, "successThreshold", 5),
  FIELD(failure_threshold, "failureThreshold", 6),
  FIELD(termination_grace_period_seconds, "terminationGracePeriodSeconds", 7))

MINATO_STRUCT(SleepAction,
  FIELD(seconds, "seconds", 1, kAlways))

MINATO_STRUCT(LifecycleHandler,
  FIELD(exec, "exec", 1),
  FIELD(http_get, "httpGet", 2),
  FIELD(tcp_socket, "tcpSocket", 3),
  FIELD(sleep, "sleep", 4))

MINATO_STRUCT(Lifecycle,
  FIELD(post_start, "postStart", 1),
  FIELD(pre_stop, "preStop", 2))

MINATO_STRUCT(Capabilities,
  FIELD(add, "add", 1, kAtomic),
  FIELD(drop, "drop", 2, kAtomic))

MINATO_STRUCT(SELinuxOptions,
  FIELD(user, "user", 1),
  FIELD(role, "role", 2),
  FIELD(type, "type", 3),
  FIELD(level, "level", 4))

MINATO_STRUCT(WindowsSecurityContextOptions,
  FIELD(gmsa_credential_spec_name, "gmsaCredentialSpecName", 1),
  FIELD(gmsa_credential_spec, "gmsaCredentialSpec", 2),
  FIELD(run_as_user_name, "runAsUserName", 3),
  FIELD(host_process, "hostProcess", 4))

MINATO_STRUCT(SeccompProfile,
  FIELD(type, "type", 1, kAlways),
  FIELD(localhost_profile, "localhostProfile", 2))

MINATO_STRUCT(AppArmorProfile,
  FIELD(type, "type", 1, kAlways),
  FIELD(localhost_profile, "localhostProfile", 2))

DEFINE_SPECIAL_MEMBERS(SecurityContext);
MINATO_STRUCT(SecurityContext,
  FIELD(capabilities, "capabilities", 1),
  FIELD(privileged, "privileged", 2),
  FIELD(se_linux_options, "seLinuxOptions", 3),
  FIELD(windows_options, "windowsOptions", 10),
  FIELD(run_as_user, "runAsUser", 4),
  FIELD(run_as_group, "runAsGroup", 8),
  FIELD(run_as_non_root, "runAsNonRoot", 5),
  FIELD(read_only_root_filesystem, "readOnlyRootFilesystem", 6),
  FIELD(allow_privilege_escalation, "allowPrivilegeEscalation", 7),
  FIELD(proc_mount, "procMount", 9),
  FIELD(seccomp_profile, "seccompProfile", 11),
  FIELD(app_armor_profile, "appArmorProfile", 12))

DEFINE_SPECIAL_MEMBERS(Container);
Container::Container(std::string its_name, std::string its_image)
    : name(std::move(its_name)), image(std::move(its_image)) {}

MINATO_STRUCT(Container,
  FIELD(name, "name", 1, kAlways),
  FIELD(image, "image", 2),
  FIELD(command, "command", 3, kAtomic),
  FIELD(args, "args", 4, kAtomic),
  FIELD(working_dir, "workingDir", 5),
  FIELD(ports, "ports", 6, kMerge, "containerPort", "containerPort,protocol"),
  FIELD(env_from, "envFrom", 19, kAtomic),
  FIELD(env, "env", 7, kMerge, "name"),
  FIELD(resources, "resources", 8),
  FIELD(resize_policy, "resizePolicy", 23, kAtomic),
  FIELD(restart_policy, "restartPolicy", 24),
  FIELD(volume_mounts, "volumeMounts", 9, kMerge, "mountPath"),
  FIELD(volume_devices, "volumeDevices", 21, kMerge, "devicePath"),
  FIELD(liveness_probe, "livenessProbe", 10),
  FIELD(readiness_probe, "readinessProbe", 11),
  FIELD(startup_probe, "startupProbe", 22),
  FIELD(lifecycle, "lifecycle", 12),
  FIELD(termination_message_path, "terminationMessagePath", 13),
  FIELD(termination_message_policy, "terminationMessagePolicy", 20),
  FIELD(image_pull_policy, "imagePullPolicy", 14),
  FIELD(security_context, "securityContext", 15),
  FIELD(stdin, "stdin", 16),
  FIELD(stdin_once, "stdinOnce", 17),
  FIELD(tty, "tty", 18))

DEFINE_SPECIAL_MEMBERS(EphemeralContainerCommon);
MINATO_STRUCT(EphemeralContainerCommon,
  FIELD(name, "name", 1, kAlways),
  FIELD(image, "image", 2),
  FIELD(command, "command", 3, kAtomic),
  FIELD(args, "args", 4, kAtomic),
  FIELD(working_dir, "workingDir", 5),
  FIELD(ports, "ports", 6, kMerge, "containerPort", "containerPort,protocol"),
  FIELD(env_from, "envFrom", 19, kAtomic),
  FIELD(env, "env", 7, kMerge, "name"),
  FIELD(resources, "resources", 8),
  FIELD(resize_policy, "resizePolicy", 23, kAtomic),
  FIELD(restart_policy, "restartPolicy", 24),
  FIELD(volume_mounts, "volumeMounts", 9, kMerge, "mountPath"),
  FIELD(volume_devices, "volumeDevices", 21, kMerge, "devicePath"),
  FIELD(liveness_probe, "livenessProbe", 10),
  FIELD(readiness_probe, "readinessProbe", 11),
  FIELD(startup_probe, "startupProbe", 22),
  FIELD(lifecycle, "lifecycle", 12),
  FIELD(termination_message_path, "terminationMessagePath", 13),
  FIELD(termination_message_policy, "terminationMessagePolicy", 20),
  FIELD(image_pull_policy, "imagePullPolicy", 14),
  FIELD(security_context, "securityContext", 15),
  FIELD(stdin, "stdin", 16),
  FIELD(stdin_once, "stdinOnce", 17),
  FIELD(tty, "tty", 18))

MINATO_STRUCT(EphemeralContainer,
  FIELD(ephemeral_container_common, "", 1, kInline),
  FIELD(target_container_name, "targetContainerName", 2))

}  // namespace minato::kube
