#include "kubelet/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/strings.h"
#include "kube/names.h"

namespace minato::kubelet {
namespace {

std::string escape_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// All labels or annotations as a file shows them (pkg/fieldpath FormatMap).
std::string format_map(const std::map<std::string, std::string>& entries) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : entries) lines.push_back(key + "=" + escape_quoted(value));
  return join(lines, "\n");
}

std::string upper_variable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

// metadata.labels['x'] → "x"; empty when `path` is not of that form.
std::string subscript(std::string_view path, std::string_view field) {
  const std::string open = fmt::format("{}['", field);
  if (!path.starts_with(open) || !path.ends_with("']")) return {};
  return std::string(path.substr(open.size(), path.size() - open.size() - 2));
}

std::string value_or_empty(const std::map<std::string, std::string>& entries,
                           const std::string& key) {
  const auto found = entries.find(key);
  return found == entries.end() ? std::string() : found->second;
}

void set(Environment& environment, const std::string& name, std::string value) {
  const auto found = std::find_if(environment.begin(), environment.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found == environment.end()) {
    environment.emplace_back(name, std::move(value));
  } else {
    found->second = std::move(value);
  }
}

bool links_to(const kube::Service& service, const std::string& name_space, bool service_links) {
  const std::string& ip = service.spec.cluster_ip;
  if (ip.empty() || ip == "None" || service.spec.ports.empty()) return false;
  const bool master = service.metadata.namespace_ == kube::kNamespaceDefault &&
                      service.metadata.name == "kubernetes";
  return master || (service_links && service.metadata.namespace_ == name_space);
}

// The variables of Docker links, which Kubernetes keeps (pkg/kubelet/envvars/envvars.go).
void add_service(Environment& environment, const kube::Service& service) {
  const std::string prefix = upper_variable(service.metadata.name);
  const std::string& ip = service.spec.cluster_ip;
  set(environment, prefix + "_SERVICE_HOST", ip);
  set(environment, prefix + "_SERVICE_PORT", std::to_string(service.spec.ports[0].port));
  for (const kube::ServicePort& port : service.spec.ports) {
    if (port.name.empty()) continue;
    set(environment, prefix + "_SERVICE_PORT_" + upper_variable(port.name),
        std::to_string(port.port));
  }
  bool first = true;
  for (const kube::ServicePort& port : service.spec.ports) {
    const std::string protocol = port.protocol.empty() ? "TCP" : port.protocol;
    const std::string url = fmt::format("{}://{}:{}", to_lower(protocol), ip, port.port);
    if (first) set(environment, prefix + "_PORT", url);
    first = false;
    const std::string one = fmt::format("{}_PORT_{}_{}", prefix, port.port, protocol);
    set(environment, one, url);
    set(environment, one + "_PROTO", to_lower(protocol));
    set(environment, one + "_PORT", std::to_string(port.port));
    set(environment, one + "_ADDR", ip);
  }
}

Environment service_variables(const kube::Pod& pod, const ConfigSources& sources) {
  Environment out;
  const std::string& own = pod.metadata.namespace_;
  const bool links = pod.spec.enable_service_links.value_or(true);
  std::vector<std::string> namespaces{std::string(kube::kNamespaceDefault)};
  if (own != namespaces[0]) namespaces.push_back(own);
  for (const std::string& name : namespaces) {
    for (const auto& service : sources.services(name)) {
      if (links_to(*service, own, links)) add_service(out, *service);
    }
  }
  return out;
}

Status add_from(Environment& environment, const kube::EnvFromSource& source,
                const std::string& name_space, const ConfigSources& sources) {
  if (source.config_map_ref) {
    const kube::ConfigMapEnvSource& reference = *source.config_map_ref;
    const std::string& name = reference.local_object_reference.name;
    const auto found = sources.config_map({name_space, name});
    if (!found && !reference.optional.value_or(false)) {
      return fail(Reason::kNotFound, fmt::format("configmap \"{}\" not found", name));
    }
    if (!found) return {};
    for (const auto& [key, value] : found->data) set(environment, source.prefix + key, value);
  } else if (source.secret_ref) {
    const kube::SecretEnvSource& reference = *source.secret_ref;
    const std::string& name = reference.local_object_reference.name;
    const auto found = sources.secret({name_space, name});
    if (!found && !reference.optional.value_or(false)) {
      return fail(Reason::kNotFound, fmt::format("secret \"{}\" not found", name));
    }
    if (!found) return {};
    for (const auto& [key, value] : found->data) set(environment, source.prefix + key, value.data);
  }
  return {};
}

// The value of a key, or nothing when it is absent and optional.
Result<std::optional<std::string>> config_map_value(const kube::ConfigMapKeySelector& selector,
                                                    const std::string& name_space,
                                                    const ConfigSources& sources) {
  const std::string& name = selector.local_object_reference.name;
  const bool optional = selector.optional.value_or(false);
  const auto found = sources.config_map({name_space, name});
  if (!found) {
    if (optional) return std::nullopt;
    return fail(Reason::kNotFound, fmt::format("configmap \"{}\" not found", name));
  }
  const auto entry = found->data.find(selector.key);
  if (entry != found->data.end()) return entry->second;
  if (optional) return std::nullopt;
  return fail(Reason::kInvalid, fmt::format("couldn't find key {} in ConfigMap {}/{}", selector.key,
                                            name_space, name));
}

Result<std::optional<std::string>> secret_value(const kube::SecretKeySelector& selector,
                                                const std::string& name_space,
                                                const ConfigSources& sources) {
  const std::string& name = selector.local_object_reference.name;
  const bool optional = selector.optional.value_or(false);
  const auto found = sources.secret({name_space, name});
  if (!found) {
    if (optional) return std::nullopt;
    return fail(Reason::kNotFound, fmt::format("secret \"{}\" not found", name));
  }
  const auto entry = found->data.find(selector.key);
  if (entry != found->data.end()) return entry->second.data;
  if (optional) return std::nullopt;
  return fail(Reason::kInvalid, fmt::format("couldn't find key {} in Secret {}/{}", selector.key,
                                            name_space, name));
}

Result<std::optional<std::string>> value_from(const PodFacts& facts,
                                              const kube::Container& container,
                                              const kube::EnvVarSource& source,
                                              const ConfigSources& sources) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  if (source.field_ref) return field_value(facts, source.field_ref->field_path);
  if (source.resource_field_ref) {
    return resource_value(facts, *source.resource_field_ref, container.name);
  }
  if (source.config_map_key_ref) {
    return config_map_value(*source.config_map_key_ref, name_space, sources);
  }
  if (source.secret_key_ref) return secret_value(*source.secret_key_ref, name_space, sources);
  return std::nullopt;
}

const kube::Container* find_container(const kube::Pod& pod, const std::string& name) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const kube::Container& container : *list) {
      if (container.name == name) return &container;
    }
  }
  return nullptr;
}

std::int64_t divide_up(std::int64_t amount, std::int64_t divisor) {
  return (amount + divisor - 1) / divisor;
}

}  // namespace

Result<std::string> field_value(const PodFacts& facts, const std::string& path) {
  const kube::ObjectMeta& metadata = facts.pod.metadata;
  if (path == "metadata.name") return metadata.name;
  if (path == "metadata.namespace") return metadata.namespace_;
  if (path == "metadata.uid") return metadata.uid;
  if (path == "metadata.labels") return format_map(metadata.labels);
  if (path == "metadata.annotations") return format_map(metadata.annotations);
  if (path == "spec.nodeName") return facts.pod.spec.node_name;
  if (path == "spec.serviceAccountName") return facts.pod.spec.service_account_name;
  if (path == "status.hostIP" || path == "status.hostIPs") return facts.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return facts.pod_ip;
  if (const std::string key = subscript(path, "metadata.labels"); !key.empty()) {
    return value_or_empty(metadata.labels, key);
  }
  if (const std::string key = subscript(path, "metadata.annotations"); !key.empty()) {
    return value_or_empty(metadata.annotations, key);
  }
  return fail(Reason::kInvalid, fmt::format("unsupported fieldPath: {}", path));
}

Result<std::string> resource_value(const PodFacts& facts, const kube::ResourceFieldSelector& field,
                                   const std::string& default_container) {
  const std::string& name =
      field.container_name.empty() ? default_container : field.container_name;
  const kube::Container* container = find_container(facts.pod, name);
  if (container == nullptr) {
    return fail(Reason::kInvalid, fmt::format("container {} not found", name));
  }
  const bool limits = field.resource.starts_with("limits.");
  if (!limits && !field.resource.starts_with("requests.")) {
    return fail(Reason::kInvalid,
                fmt::format("unsupported container resource: {}", field.resource));
  }
  const std::string resource = field.resource.substr(field.resource.find('.') + 1);
  const auto& amounts = limits ? container->resources.limits : container->resources.requests;
  const auto found = amounts.find(resource);
  const bool cpu = resource == kube::kCpu;
  std::int64_t amount = 0;
  if (found != amounts.end()) {
    amount = cpu ? found->second.milli_value() : found->second.value();
  } else if (limits) {
    amount = cpu ? facts.allocatable.cpu_milli : facts.allocatable.memory_bytes;
  }
  if (field.divisor.is_zero()) return std::to_string(cpu ? divide_up(amount, 1000) : amount);
  return std::to_string(
      divide_up(amount, cpu ? field.divisor.milli_value() : field.divisor.value()));
}

std::string expand(std::string_view text, const Environment& environment) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const std::size_t close = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text[i];
      continue;
    }
    const std::string_view name = text.substr(i + 2, close - i - 2);
    const auto found = std::find_if(environment.begin(), environment.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    out += found == environment.end() ? std::string(text.substr(i, close - i + 1)) : found->second;
    i = close;
  }
  return out;
}

Result<Environment> build_environment(const PodFacts& facts, const kube::Container& container,
                                      const ConfigSources& sources) {
  const std::string& name_space = facts.pod.metadata.namespace_;
  Environment out = service_variables(facts.pod, sources);
  for (const kube::EnvFromSource& source : container.env_from) {
    RETURN_IF_ERROR(add_from(out, source, name_space, sources));
  }
  for (const kube::EnvVar& variable : container.env) {
    if (!variable.value_from) {
      set(out, variable.name, expand(variable.value, out));
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<std::string> value,
                     value_from(facts, container, *variable.value_from, sources));
    if (value) set(out, variable.name, std::move(*value));
  }
  return out;
}

}  // namespace minato::kubelet
