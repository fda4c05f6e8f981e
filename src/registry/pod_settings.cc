#include "registry/pod_settings.h"

#include <algorithm>

#include "base/strings.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::PodSpec;

namespace {

constexpr std::size_t kMaxNameservers = 3;
constexpr std::size_t kMaxSearches = 32;
constexpr std::size_t kMaxSysctlLength = 253;
constexpr std::string_view kSystems[] = {"linux", "windows"};
constexpr std::string_view kGroupPolicies[] = {"Always", "OnRootMismatch"};
constexpr std::string_view kProfiles[] = {"Localhost", "RuntimeDefault", "Unconfined"};

void validate_id(const std::optional<std::int64_t>& id, const FieldPath& path,
                 FieldErrors& errors) {
  errors.in_range(path, id.value_or(0), 0, INT32_MAX);
}

// IPv6 by its look: nothing here speaks it, but objects may name it.
std::string_view check_address(std::string_view text) {
  const bool has_colon = text.find(':') != std::string_view::npos;
  const bool looks_right = text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  if (has_colon && looks_right) return {};
  return kube::check_ipv4(text).empty() ? "" : "must be a valid IP address";
}

void validate_dns(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const FieldPath config = path.child("dnsConfig");
  const FieldPath servers = config.child("nameservers"), options = config.child("options");
  const std::size_t count = spec.dns_config ? spec.dns_config->nameservers.size() : 0;
  if (spec.dns_policy == "None") {
    if (!spec.dns_config) {
      errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
    } else if (count == 0) {
      errors.required(servers, "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  if (!spec.dns_config) return;
  if (count > kMaxNameservers)
    errors.invalid(servers, join(spec.dns_config->nameservers, ", "), "must not have more than 3 nameservers");
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& server = spec.dns_config->nameservers[i];
    errors.grammar(servers.index(i), server, check_address(server));
  }
  if (spec.dns_config->searches.size() > kMaxSearches)
    errors.invalid(config.child("searches"), "", "must not have more than 32 search paths");
  for (std::size_t i = 0; i < spec.dns_config->options.size(); ++i) {
    if (spec.dns_config->options[i].name.empty())
      errors.required(options.index(i), "must not be empty");
  }
}

void validate_aliases(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < spec.host_aliases.size(); ++i) {
    const kube::HostAlias& alias = spec.host_aliases[i];
    const FieldPath at = path.index(i);
    const FieldPath names = at.child("hostnames");
    errors.grammar(at.child("ip"), alias.ip, check_address(alias.ip));
    for (std::size_t k = 0; k < alias.hostnames.size(); ++k) {
      errors.grammar(names.index(k), alias.hostnames[k],
                     kube::check_dns1123_subdomain(alias.hostnames[k]));
    }
  }
}

void validate_gates(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const FieldPath ready = path.child("readinessGates"), gates = path.child("schedulingGates");
  for (std::size_t i = 0; i < spec.readiness_gates.size(); ++i) {
    const std::string& type = spec.readiness_gates[i].condition_type;
    const FieldPath at = ready.index(i);
    errors.grammar(at.child("conditionType"), type, kube::check_qualified_name(type));
  }
  for (std::size_t i = 0; i < spec.scheduling_gates.size(); ++i) {
    const std::string& name = spec.scheduling_gates[i].name;
    errors.grammar(gates.index(i), name, kube::check_qualified_name(name));
  }
  if (!spec.scheduling_gates.empty() && !spec.node_name.empty())
    errors.forbidden(path.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
}

void validate_profile(const kube::Box<kube::SeccompProfile>& profile, const FieldPath& path,
                      FieldErrors& errors) {
  if (!profile) return;
  const FieldPath file = path.child("localhostProfile");
  if (profile->type == "Localhost") {
    if (profile->localhost_profile.value_or("").empty())
      errors.required(file, "must be set when seccomp type is Localhost");
  } else if (profile->localhost_profile) {
    errors.invalid(file, *profile->localhost_profile, "can only be set when seccomp type is Localhost");
  }
  errors.one_of(path.child("type"), profile->type, kProfiles);
}

std::string_view check_sysctl(std::string_view name) {
  constexpr std::string_view kProblem =
      "must have at most 253 characters: parts of lower case letters, digits, '-' and '_', "
      "separated by '.' or '/'";
  const auto is_end = [](char c) { return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9'); };
  bool at_begin = true;
  char before = '.';
  for (const char c : name) {
    const bool is_separator = c == '.' || c == '/';
    if (is_separator ? !is_end(before) : at_begin ? !is_end(c) : !is_end(c) && c != '-' && c != '_')
      return kProblem;
    at_begin = is_separator;
    before = c;
  }
  return name.size() <= kMaxSysctlLength && is_end(before) ? "" : kProblem;
}

void validate_pod_security(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const FieldPath at = path.child("securityContext");
  if (spec.share_process_namespace.value_or(false) && spec.host_pid) {
    errors.invalid(at.child("shareProcessNamespace"), "true",
                   "ShareProcessNamespace and HostPID cannot both be enabled");
  }
  if (!spec.security_context) return;
  const kube::PodSecurityContext& security = *spec.security_context;
  const FieldPath groups = at.child("supplementalGroups"), sysctls = at.child("sysctls");
  validate_id(security.fs_group, at.child("fsGroup"), errors);
  for (std::size_t i = 0; i < security.supplemental_groups.size(); ++i)
    validate_id(security.supplemental_groups[i], groups.index(i), errors);
  validate_id(security.run_as_user, at.child("runAsUser"), errors);
  validate_id(security.run_as_group, at.child("runAsGroup"), errors);
  for (std::size_t i = 0; i < security.sysctls.size(); ++i) {
    const FieldPath one = sysctls.index(i);
    const std::string& name = security.sysctls[i].name;
    if (name.empty()) {
      errors.required(one.child("name"));
    } else {
      errors.grammar(one.child("name"), name, check_sysctl(name));
    }
  }
  if (security.fs_group_change_policy)
    errors.one_of(at.child("fsGroupChangePolicy"), *security.fs_group_change_policy, kGroupPolicies);
  validate_profile(security.seccomp_profile, at.child("seccompProfile"), errors);
}

void validate_system(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.os) return;
  if (std::ranges::find(kSystems, spec.os->name) == std::end(kSystems)) {
    errors.one_of(path.child("os"), spec.os->name, kSystems);
    return;
  }
  if (spec.os->name != "windows") return;
  const auto refuse = [&](bool is_set, std::string_view field) {
    if (is_set) errors.forbidden(path.child(field), "cannot be set for a windows pod");
  };
  refuse(spec.host_pid, "hostPID");
  refuse(spec.host_ipc, "hostIPC");
  refuse(spec.share_process_namespace.value_or(false), "shareProcessNamespace");
}

}  // namespace

void validate_pod_settings(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  validate_dns(spec, path, errors);
  validate_aliases(spec, path.child("hostAliases"), errors);
  validate_gates(spec, path, errors);
  validate_pod_security(spec, path, errors);
  validate_system(spec, path, errors);
}

void validate_security(const kube::SecurityContext& security, const FieldPath& path,
                       FieldErrors& errors) {
  validate_id(security.run_as_user, path.child("runAsUser"), errors);
  validate_id(security.run_as_group, path.child("runAsGroup"), errors);
  validate_profile(security.seccomp_profile, path.child("seccompProfile"), errors);
  const bool is_privileged = security.privileged.value_or(false);
  if (is_privileged && security.allow_privilege_escalation == false) {
    errors.invalid(path, "",
                   "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
}

}  // namespace minato::registry
