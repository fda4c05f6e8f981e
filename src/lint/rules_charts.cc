#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "blueprint/own_controllers.h"
#include "kube/types/apps.h"
#include "lint/across.h"

namespace minato::lint {
namespace json = boost::json;
namespace {

constexpr std::string_view kKubeProxyHealthPort = "10256";

Duration seconds_of(const HclModule& module, const HclBlock& block, std::string_view attribute,
                    Duration fallback) {
  const auto number = parse_int(module.value(block, attribute));
  return number ? Duration(std::chrono::seconds(*number)) : fallback;
}

// Rule: kubernetes/enhancements KEP-3836: kube-proxy's health port answers 503 on a tainted node.
void check_node_removal(const HclModule& module, const json::value& autoscaler, const Sink& found) {
  const Duration delay =
      parse_duration(text_at(autoscaler, {"extraArgs", "node-delete-delay-after-taint"}))
          .value_or(5s);
  for (const HclBlock* group : module.resources("aws_lb_target_group")) {
    const std::string place = "aws_lb_target_group." + group->labels[1];
    const HclBlock* check = group->block("health_check");
    if (check == nullptr || health_port(module, *group) != kKubeProxyHealthPort) {
      found("T4", place, "its health check is not kube-proxy's");
      continue;
    }
    const auto times = parse_int(module.value(*check, "unhealthy_threshold"));
    const Duration needed =
        seconds_of(module, *check, "interval", 30s) * static_cast<int>(times ? *times : 2) +
        seconds_of(module, *check, "timeout", 5s);
    if (delay < needed) {
      found("S10", "cluster-autoscaler-values.yaml",
            fmt::format("{} after the taint, but the load balancer notices only after {}",
                        format_duration(delay), format_duration(needed)));
    }
  }
}

// Directories on a node's disk, of Pods that do not say that they may be left behind.
void check_local_storage(const Manifests& manifests, const json::value& autoscaler,
                         const Sink& found) {
  if (text_at(autoscaler, {"extraArgs", "skip-nodes-with-local-storage"}) == "false") return;
  for (const auto& [path, deployment] : manifests.of<kube::Deployment>()) {
    const kube::PodTemplateSpec& pod = deployment->spec.template_;
    const bool on_disk = std::ranges::any_of(pod.spec.volumes, [](const kube::Volume& volume) {
      const auto* directory = volume.volume_source.empty_dir.get();
      return volume.volume_source.host_path ||
             (directory != nullptr && directory->medium != "Memory");
    });
    if (on_disk &&
        !pod.metadata.annotations.contains("cluster-autoscaler.kubernetes.io/safe-to-evict"))
      found("M1", path, "a directory on the node's disk, and the autoscaler skips such nodes");
  }
}

void check_autoscaler(const HclModule& module, const Manifests& manifests, const Sink& found) {
  const json::value* values = values_file(manifests, "cluster-autoscaler");
  if (values == nullptr) return;
  const std::string cluster = text_at(*values, {"autoDiscovery", "clusterName"});
  const auto groups = module.resources("aws_autoscaling_group");
  const auto is_its = [&](const HclBlock* group) {
    return tags_of(module, *group).contains("k8s.io/cluster-autoscaler/" + cluster);
  };
  if (!groups.empty() && std::ranges::none_of(groups, is_its)) {
    found("X4", "cluster-autoscaler-values.yaml",
          fmt::format("no group carries k8s.io/cluster-autoscaler/{}", cluster));
  }
  const std::string tag = text_at(*values, {"image", "tag"});
  for (const HclBlock* each : module.resources("aws_eks_cluster")) {
    const std::string version = module.value(*each, "version");
    if (!tag.starts_with("v" + version + "."))
      found("V3", "cluster-autoscaler-values.yaml",
            fmt::format("{} on a cluster of {}", tag, version));
  }
  check_node_removal(module, *values, found);
  check_local_storage(manifests, *values, found);
}

// What follows "--name=" in a container's arguments; "".
std::string argument(const kube::Container& container, std::string_view name) {
  const std::string prefix = fmt::format("--{}=", name);
  for (const std::string& each : container.args) {
    if (each.starts_with(prefix)) return each.substr(prefix.size());
  }
  return {};
}

// minato's own controller in the place of the autoscaler.
void check_controller(const HclModule& module, const Manifests& manifests, const Sink& found) {
  const auto groups = module.resources("aws_autoscaling_group");
  const auto targets = module.resources("aws_lb_target_group");
  for (const auto& [path, deployment] : manifests.of<kube::Deployment>()) {
    if (deployment->metadata.name != blueprint::kControllerAccount) continue;
    for (const kube::Container& container : deployment->spec.template_.spec.containers) {
      const std::string tag = "k8s.io/cluster-autoscaler/" + argument(container, "cluster");
      if (!groups.empty() && std::ranges::none_of(groups, [&](const HclBlock* group) {
            return tags_of(module, *group).contains(tag);
          })) {
        found("X4", path, fmt::format("no group carries {}", tag));
      }
      const std::string target = argument(container, "target-group");
      if (!targets.empty() && !target.starts_with("arn:") &&
          std::ranges::none_of(targets, [&](const HclBlock* group) { return module.value(*group, "name") == target; })) {
        found("X4", path, fmt::format("there is no target group {}", target));
      }
    }
  }
}

void check_versions(const Manifests& manifests, const Sink& found) {
  for (const Manifest& each : manifests.all) {
    const json::object* object = each.json.if_object();
    const json::value* charts = object == nullptr ? nullptr : object->if_contains("helmCharts");
    if (charts == nullptr || !charts->is_array()) continue;
    for (const json::value& chart : charts->get_array()) {
      if (text_at(chart, {"version"}).empty())
        found("M5", each.path, text_at(chart, {"name"}) + " has no version");
    }
  }
}

}  // namespace

std::map<std::string, std::string> tags_of(const HclModule& module, const HclBlock& group) {
  std::map<std::string, std::string> out;
  for (const HclBlock& block : group.blocks) {
    if (block.type == "tag") out[module.value(block, "key")] = module.value(block, "value");
    if (block.type != "dynamic" || block.labels != std::vector<std::string>{"tag"}) continue;
    for (const std::string& line : split(block.attribute("for_each"), '\n')) {
      const std::size_t middle = line.find("\" ");
      const std::size_t equal = middle == std::string::npos ? middle : line.find('=', middle);
      if (equal == std::string::npos) continue;
      const auto text = [&](std::string_view part) {
        return module.value(std::string(trim(part)));
      };
      out[text(std::string_view(line).substr(0, middle + 1))] =
          text(std::string_view(line).substr(equal + 1));
    }
  }
  return out;
}

std::string health_port(const HclModule& module, const HclBlock& group) {
  const HclBlock* check = group.block("health_check");
  const std::string port = check == nullptr ? "" : module.value(*check, "port");
  return port == "traffic-port" ? "" : port;
}

std::string text_at(const json::value& value, const std::vector<std::string_view>& path) {
  const json::value* at = &value;
  for (const std::string_view key : path) {
    const json::object* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(key);
    if (at == nullptr) return "";
  }
  if (at->is_bool()) return at->get_bool() ? "true" : "false";
  return at->is_string() ? std::string(at->get_string()) : "";
}

const json::value* values_file(const Manifests& manifests, std::string_view chart) {
  for (const Manifest& each : manifests.all) {
    if (each.path.ends_with(fmt::format("/{}-values.yaml", chart))) return &each.json;
  }
  return nullptr;
}

void check_charts(const HclModule& module, const Manifests& manifests, const Sink& found) {
  check_autoscaler(module, manifests, found);
  check_controller(module, manifests, found);
  check_versions(manifests, found);
}

}  // namespace minato::lint
