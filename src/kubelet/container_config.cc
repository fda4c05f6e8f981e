#include "kubelet/container_config.h"

#include "kubelet/container_state.h"
#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

constexpr std::size_t kMaxHostname = 63;

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void set_dns(const kube::Pod& pod, const Options& options, container::SandboxConfig& config) {
  const std::string& policy = pod.spec.dns_policy;
  const bool cluster = policy == "ClusterFirstWithHostNet" ||
                       ((policy.empty() || policy == "ClusterFirst") && !pod.spec.host_network);
  if (cluster && !options.dns_server.empty()) {
    const std::string service_domain = "svc." + options.cluster_domain;
    config.dns_servers = {options.dns_server};
    config.dns_searches = {pod.metadata.namespace_ + "." + service_domain, service_domain,
                           options.cluster_domain};
    config.dns_options = {"ndots:5"};
  }
  if (!pod.spec.dns_config) return;
  append(config.dns_servers, pod.spec.dns_config->nameservers);
  append(config.dns_searches, pod.spec.dns_config->searches);
  for (const kube::PodDNSConfigOption& option : pod.spec.dns_config->options) {
    config.dns_options.push_back(option.value ? option.name + ":" + *option.value : option.name);
  }
}

// Without a word the runtime's default profile, as with the kubelet's seccompDefault.
void set_seccomp(const kube::SeccompProfile* profile, container::SecurityContext& out) {
  using Seccomp = container::SecurityContext::Seccomp;
  if (profile == nullptr) return;
  out.seccomp = profile->type == "Unconfined"  ? Seccomp::kUnconfined
                : profile->type == "Localhost" ? Seccomp::kLocalhost
                                               : Seccomp::kRuntimeDefault;
  out.seccomp_profile = profile->localhost_profile.value_or("");
}

container::SecurityContext security_of(const kube::Pod& pod, const kube::Container& container) {
  container::SecurityContext out;
  out.allow_privilege_escalation = true;  // The API's default.
  if (const auto* of_pod = pod.spec.security_context.get()) {
    out.run_as_user = of_pod->run_as_user.value_or(-1);
    out.run_as_group = of_pod->run_as_group.value_or(-1);
    out.run_as_non_root = of_pod->run_as_non_root.value_or(false);
    out.supplemental_groups = of_pod->supplemental_groups;
    if (of_pod->fs_group) out.supplemental_groups.push_back(*of_pod->fs_group);
    set_seccomp(of_pod->seccomp_profile.get(), out);
  }
  const auto* own = container.security_context.get();
  if (own == nullptr) return out;
  out.run_as_user = own->run_as_user.value_or(out.run_as_user);
  out.run_as_group = own->run_as_group.value_or(out.run_as_group);
  out.run_as_non_root = own->run_as_non_root.value_or(out.run_as_non_root);
  out.read_only_root = own->read_only_root_filesystem.value_or(false);
  out.privileged = own->privileged.value_or(false);
  set_seccomp(own->seccomp_profile.get(), out);
  out.allow_privilege_escalation = own->allow_privilege_escalation.value_or(true);
  if (own->capabilities) {
    out.capabilities_add = own->capabilities->add;
    out.capabilities_drop = own->capabilities->drop;
  }
  return out;
}

std::vector<std::string> expanded(const std::vector<std::string>& words,
                                  const Environment& environment) {
  std::vector<std::string> out;
  for (const std::string& word : words) out.push_back(expand(word, environment));
  return out;
}

}  // namespace

kube::Container as_container(const kube::EphemeralContainer& ephemeral) {
  const kube::EphemeralContainerCommon& from = ephemeral.ephemeral_container_common;
  kube::Container out;
  out.name = from.name;
  out.image = from.image;
  out.command = from.command;
  out.args = from.args;
  out.working_dir = from.working_dir;
  out.env_from = from.env_from;
  out.env = from.env;
  out.volume_mounts = from.volume_mounts;
  out.termination_message_path = from.termination_message_path;
  out.termination_message_policy = from.termination_message_policy;
  out.image_pull_policy = from.image_pull_policy;
  out.security_context = from.security_context;
  out.stdin = from.stdin;
  out.stdin_once = from.stdin_once;
  out.tty = from.tty;
  return out;
}

container::SandboxConfig build_sandbox_config(const kube::Pod& pod, const Options& options) {
  container::SandboxConfig out;
  out.pod_uid = pod.metadata.uid;
  out.pod_namespace = pod.metadata.namespace_;
  out.pod_name = pod.metadata.name;
  out.host_network = pod.spec.host_network;
  if (pod.spec.host_network) {
    out.hostname = options.hostname.empty() ? options.node_name : options.hostname;
  } else {
    out.hostname = pod.spec.hostname.empty() ? pod.metadata.name : pod.spec.hostname;
    if (out.hostname.size() > kMaxHostname) out.hostname.resize(kMaxHostname);
    // A host name may not end with these.
    while (out.hostname.ends_with('-') || out.hostname.ends_with('.')) out.hostname.pop_back();
  }
  set_dns(pod, options, out);
  out.resources = sandbox_resources(pod);
  return out;
}

Result<container::ContainerConfig> build_container_config(const PodFacts& facts,
                                                          const kube::Container& container,
                                                          std::uint32_t attempt,
                                                          const PodVolumes& volumes,
                                                          const ConfigSources& sources) {
  container::ContainerConfig out;
  ASSIGN_OR_RETURN(out.env, build_environment(facts, container, sources));
  ASSIGN_OR_RETURN(out.mounts, build_mounts(container, volumes, out.env));
  out.name = container.name;
  out.attempt = attempt;
  out.image = container.image;
  out.command = expanded(container.command, out.env);
  out.args = expanded(container.args, out.env);
  out.working_dir = container.working_dir;
  out.resources = container_resources(container);
  out.security = security_of(facts.pod, container);
  using Input = container::ContainerConfig::Input;
  if (container.stdin) out.input = container.stdin_once ? Input::kOnce : Input::kKept;
  out.terminal = container.tty;
  out.annotations[kHashAnnotation] = container_hash(container);
  return out;
}

}  // namespace minato::kubelet
