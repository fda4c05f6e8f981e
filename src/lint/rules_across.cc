// What Terraform and the manifests must agree on. Each check is silent where one side is missing or
// cannot be read: then there is nothing to compare.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/strings.h"
#include "blueprint/own_controllers.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "kube/types/networking.h"
#include "kube/types/service.h"
#include "lint/across.h"
#include "lint/rules.h"
#include "render/identity.h"

namespace minato::lint {
namespace json = boost::json;
namespace {

// Text of an argument of the templatefile() call that makes a launch template's user data.
std::string user_data_argument(const HclBlock& launch, std::string_view name) {
  for (const std::string& line : split(launch.attribute("user_data"), '\n')) {
    const std::string_view text = trim(line);
    const std::size_t equal = text.find('=');
    if (equal == std::string_view::npos || trim(text.substr(0, equal)) != name) continue;
    const std::string_view value = trim(text.substr(equal + 1));
    return value.size() >= 2 && value.front() == '"'
               ? std::string(value.substr(1, value.size() - 2))
               : "";
  }
  return "";
}

std::map<std::string, std::string> parse_labels(const std::string& text) {
  std::map<std::string, std::string> out;
  for (const std::string& part : split(text, ',')) {
    const std::size_t equal = part.find('=');
    if (equal != std::string::npos) out[part.substr(0, equal)] = part.substr(equal + 1);
  }
  return out;
}

bool opens(const HclModule& module, const HclBlock& rule, const std::string& port) {
  if (rule.attribute("referenced_security_group_id").empty()) return false;
  const auto has = [&](std::string_view attribute) {
    const std::vector<std::string> values = module.values(rule, attribute);
    return std::ranges::find(values, port) != values.end();
  };
  return has("from_port") && has("to_port");
}

// Between the load balancer's group and the nodes' every port needs a rule on both sides.
void check_rules(const HclModule& module, std::string_view type, const std::set<std::string>& ports,
                 const Sink& found) {
  const auto rules = module.resources(type);
  if (rules.empty()) return;
  for (const std::string& port : ports) {
    const auto fits = [&](const HclBlock* rule) { return opens(module, *rule, port); };
    if (std::ranges::none_of(rules, fits)) {
      found("X1", std::string(type),
            fmt::format("none lets the load balancer reach port {}", port));
    }
  }
}

void check_ports(const HclModule& module, const Manifests& manifests, const Sink& found) {
  std::set<std::string> node_ports;
  for (const auto& [path, service] : manifests.of<kube::Service>()) {
    for (const kube::ServicePort& port : service->spec.ports) {
      if (port.node_port != 0) node_ports.insert(std::to_string(port.node_port));
    }
  }
  if (node_ports.empty()) return;
  std::set<std::string> target_ports;
  for (const HclBlock* group : module.resources("aws_lb_target_group")) {
    if (module.value(*group, "target_type") == "ip") continue;
    const std::string port = module.value(*group, "port");
    target_ports.insert(port);
    if (!node_ports.contains(port)) {
      found("X1", "aws_lb_target_group." + group->labels[1],
            fmt::format("port {}, but no Service has that nodePort", port));
    }
  }
  for (const HclBlock* group : module.resources("aws_lb_target_group")) {
    const std::string health = health_port(module, *group);
    if (!health.empty()) target_ports.insert(health);
  }
  check_rules(module, "aws_vpc_security_group_ingress_rule", target_ports, found);
  check_rules(module, "aws_vpc_security_group_egress_rule", target_ports, found);
}

void check_labels(const HclModule& module, const Manifests& manifests, const Sink& found) {
  std::vector<std::map<std::string, std::string>> groups;
  for (const HclBlock* launch : module.resources("aws_launch_template")) {
    const auto labels = parse_labels(user_data_argument(*launch, "labels"));
    if (!labels.empty()) groups.push_back(labels);
    for (const HclBlock* group : module.resources("aws_autoscaling_group")) {
      if (group->labels[1] != launch->labels[1]) continue;
      const auto tags = tags_of(module, *group);
      if (!tags.contains("k8s.io/cluster-autoscaler/enabled")) continue;
      for (const auto& [key, value] : labels) {
        const auto tag = tags.find("k8s.io/cluster-autoscaler/node-template/label/" + key);
        if (tag == tags.end() || tag->second != value) {
          found("X2", "aws_autoscaling_group." + group->labels[1],
                fmt::format("its nodes have {}={}, its tags say otherwise", key, value));
        }
      }
    }
  }
  if (groups.empty()) return;
  for (const auto& [path, deployment] : manifests.of<kube::Deployment>()) {
    const auto& wanted = deployment->spec.template_.spec.node_selector;
    const bool any = std::ranges::any_of(groups, [&](const auto& labels) {
      return std::ranges::all_of(wanted, [&](const auto& pair) {
        return !pair.first.starts_with("minato.dev/") ||
               (labels.contains(pair.first) && labels.at(pair.first) == pair.second);
      });
    });
    if (!any) found("X2", path, "no group registers nodes with the labels of its nodeSelector");
  }
}

// Where node selector and tolerations stand: a chart's values, a Deployment's Pod template; null.
const json::object* pod_settings(const Manifest& manifest) {
  if (manifest.path.ends_with("-values.yaml")) return manifest.json.if_object();
  if (!manifest.object || manifest.object->kind() != kube::Deployment::static_kind()) return nullptr;
  std::error_code none;
  const json::value* found = manifest.json.find_pointer("/spec/template/spec", none);
  return found == nullptr ? nullptr : found->if_object();
}

// Every chart and Deployment that is confined to tainted nodes tolerates their taint.
void check_taints(const HclModule& module, const Manifests& manifests, const Sink& found) {
  std::map<std::string, std::string> tainted;  // Key of the taint by "label=value" of its nodes.
  for (const HclBlock* launch : module.resources("aws_launch_template")) {
    const std::string taint = user_data_argument(*launch, "taints");
    if (taint.empty()) continue;
    for (const auto& [key, value] : parse_labels(user_data_argument(*launch, "labels"))) {
      tainted[key + "=" + value] = taint.substr(0, taint.find_first_of("=:"));
    }
  }
  for (const Manifest& each : manifests.all) {
    const json::object* values = pod_settings(each);
    const json::value* selector = values == nullptr ? nullptr : values->if_contains("nodeSelector");
    if (selector == nullptr || !selector->is_object()) continue;
    for (const auto& [key, value] : selector->get_object()) {
      const auto taint = value.is_string()
                             ? tainted.find(fmt::format("{}={}", std::string_view(key),
                                                        std::string_view(value.get_string())))
                             : tainted.end();
      if (taint == tainted.end()) continue;
      const json::value* tolerations = values->if_contains("tolerations");
      const bool tolerated =
          tolerations != nullptr && tolerations->is_array() &&
          std::ranges::any_of(tolerations->get_array(), [&](const json::value& t) {
            return text_at(t, {"key"}) == taint->second ||
                   (text_at(t, {"key"}).empty() && text_at(t, {"operator"}) == "Exists");
          });
      if (!tolerated)
        found("X3", each.path,
              fmt::format("lives on nodes tainted {}, which it does not tolerate", taint->second));
    }
  }
}

// The identities in Terraform's local.pod_identities, as "namespace/account".
std::optional<std::set<std::string>> bound_accounts(const HclModule& module) {
  const auto found = module.locals().find("pod_identities");
  if (found == module.locals().end()) return std::nullopt;
  std::set<std::string> out;
  for (const std::string& line : split(found->second, '\n')) {
    const auto member = [&](std::string_view name) -> std::string {
      const std::size_t at = line.find(fmt::format("{} = ", name));
      if (at == std::string::npos) return "";
      const std::size_t begin = at + name.size() + 3;
      return module.value(std::string(
          trim(std::string_view(line).substr(begin, line.find_first_of(",}", begin) - begin))));
    };
    const std::string space = member("namespace"), account = member("account");
    if (!account.empty()) out.insert(space + "/" + account);
  }
  return out;
}

// Names of the roles that local.pod_identities makes: "<cluster>-<key>".
std::set<std::string> role_names(const HclModule& module) {
  const auto identities = module.locals().find("pod_identities");
  if (identities == module.locals().end()) return {};
  const std::string cluster = module.value("local.cluster");
  std::set<std::string> out;
  for (const std::string& line : split(identities->second, '\n')) {
    const std::size_t equal = line.find('=');
    if (equal != std::string::npos)
      out.insert(fmt::format("{}-{}", cluster, trim(std::string_view(line).substr(0, equal))));
  }
  return out;
}

// Agents ask their instance and the API, and have no access to AWS.
const std::string kAgent = fmt::format("{}/{}", kube::kNamespaceSystem, blueprint::kAgentAccount);

void check_identities(const HclModule& module, const Manifests& manifests, const Sink& found) {
  const auto bound = bound_accounts(module);
  if (!bound) return;
  const auto need = [&](const std::string& place, const std::string& account) {
    if (account == kAgent) return;
    if (!bound->contains(account))
      found("X5", place, fmt::format("no role is bound to {}", account));
  };
  const std::set<std::string> roles = role_names(module);
  for (const auto& [path, account] : manifests.of<kube::ServiceAccount>()) {
    need(path, account->metadata.namespace_ + "/" + account->metadata.name);
    const auto role = account->metadata.annotations.find(std::string(render::kRoleAnnotation));
    if (role == account->metadata.annotations.end()) continue;
    const std::string name = role->second.substr(role->second.rfind('/') + 1);
    if (!roles.contains(name)) found("X5", path, fmt::format("there is no role {}", name));
  }
  if (const json::value* values = values_file(manifests, "cluster-autoscaler")) {
    need("cluster-autoscaler-values.yaml",
         "kube-system/" + text_at(*values, {"rbac", "serviceAccount", "name"}));
  }
  if (const json::value* values = values_file(manifests, "external-secrets")) {
    need("external-secrets-values.yaml",
         "external-secrets/" + text_at(*values, {"serviceAccount", "name"}));
  }
}

// Of the VPC CNI, where EKS installs it.
void check_policies(const HclModule& module, const Manifests& manifests, const Sink& found) {
  const auto addons = module.resources("aws_eks_addon");
  const auto enforces = [](const HclBlock* addon) {
    return addon->attribute("configuration_values").find("enableNetworkPolicy") !=
           std::string::npos;
  };
  if (addons.empty() || std::ranges::any_of(addons, enforces)) return;
  for (const auto& [path, policy] : manifests.of<kube::NetworkPolicy>())
    found("H4", path, "no add-on has enableNetworkPolicy");
}

}  // namespace

void check_across(const HclModule& module, const Manifests& manifests, const Sink& found) {
  check_ports(module, manifests, found);
  check_labels(module, manifests, found);
  check_taints(module, manifests, found);
  check_identities(module, manifests, found);
  check_policies(module, manifests, found);
  check_charts(module, manifests, found);
}

}  // namespace minato::lint
