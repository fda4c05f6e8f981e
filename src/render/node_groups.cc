#include "render/node_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "render/controllers.h"
#include "render/hcl.h"
#include "render/templates.h"

namespace minato::render {
namespace {

std::string comma_joined(const std::map<std::string, std::string>& labels) {
  std::vector<std::string> out;
  for (const auto& [key, value] : labels) out.push_back(key + "=" + value);
  return join(out, ",");
}

std::string architecture_of(const cloud::AutoScalingGroup& group,
                            const cloud::Catalogue& catalogue) {
  const cloud::InstanceType* type = catalogue.find(group.types.front());
  return type != nullptr && type->architecture == "arm64" ? "arm64" : "x86_64";
}

std::string tag_lines(const cloud::AutoScalingGroup& group) {
  std::map<std::string, std::string> tags = group.tags;
  tags.emplace("Name", group.name);
  std::vector<std::string> out;
  for (const auto& [key, value] : tags) {
    out.push_back(fmt::format("      {} = {}", hcl_quote(key), hcl_quote(value)));
  }
  return join(out, "\n");
}

// One group as it is rendered, with the keys of the file that its numbers come from.
struct Group {
  blueprint::NodeGroup nodes;
  std::string key;  // "scaling"
  std::string remark;
  std::string min_key;
  std::string base_key;
  std::string percentage_key;
};

std::string name_of(const spec::Spec& spec, const Group& group) {
  return group.nodes.group.name.substr(spec.service.size() + 1);
}

Group as_in_the_file(const blueprint::NodeGroup& nodes, const std::string& key) {
  const std::string path = "nodes." + key;
  return {nodes, key, "", path + ".min", path + ".on_demand_base", "100 % less " + path + ".spot"};
}

// Rule: EKS Best Practices Guide, "Cluster Autoscaler": a group of its own for each way of paying,
// since the autoscaler takes all nodes of a group to be alike.
std::vector<Group> split(const spec::Spec& spec, const blueprint::NodeGroup& mixed) {
  Group on_demand = as_in_the_file(mixed, std::string(blueprint::kScalingGroup));
  on_demand.remark = " on demand";
  on_demand.nodes.group.name = spec.service + "-on-demand";
  on_demand.nodes.group.min_size = mixed.group.distribution.on_demand_base_capacity;
  on_demand.nodes.group.distribution.on_demand_base_capacity = 0;
  on_demand.nodes.group.distribution.on_demand_percentage_above_base_capacity = 100;
  on_demand.min_key = "nodes.scaling.on_demand_base";
  on_demand.base_key = on_demand.percentage_key = "eks.split_groups";
  Group spot = as_in_the_file(mixed, std::string(blueprint::kScalingGroup));
  spot.remark = " on spot";
  spot.nodes.group.min_size =
      std::max(0, mixed.group.min_size - mixed.group.distribution.on_demand_base_capacity);
  spot.nodes.group.distribution.on_demand_base_capacity = 0;
  spot.min_key = "nodes.scaling.min less on_demand_base";
  spot.base_key = "eks.split_groups";
  return {std::move(on_demand), std::move(spot)};
}

std::vector<Group> groups_of(const spec::Spec& spec, const blueprint::Blueprint& blueprint) {
  std::vector<Group> out;
  for (blueprint::NodeGroup nodes : blueprint.groups) {
    const std::string key = nodes.group.name.substr(spec.service.size() + 1);
    // Without "enabled" nobody scales it; minato's controller takes its nodes out of service, too.
    if (key == blueprint::kMasterGroup && uses_own_controllers(spec))
      nodes.group.tags["k8s.io/cluster-autoscaler/" + spec.service] = "owned";
    if (key == blueprint::kScalingGroup && spec.eks.split_groups)
      std::ranges::move(split(spec, nodes), std::back_inserter(out));
    else
      out.push_back(as_in_the_file(nodes, key));
  }
  return out;
}

std::string node_group(const Group& in, const std::string& name,
                       const cloud::Catalogue& catalogue, Values values) {
  const cloud::AutoScalingGroup& group = in.nodes.group;
  const bool spot = group.distribution.on_demand_percentage_above_base_capacity < 100;
  std::string id = name;  // Terraform's names have underscores where AWS's have dashes.
  std::ranges::replace(id, '-', '_');
  std::vector<std::string> taints;
  for (const kube::Taint& taint : in.nodes.taints)
    taints.push_back(fmt::format("{}={}:{}", taint.key, taint.value, taint.effect));
  values.texts.insert(
      {{"group", name},
       {"id", id},
       {"key", in.key},
       {"key_remark", in.remark},
       {"min_key", in.min_key},
       {"base_key", in.base_key},
       {"percentage_key", in.percentage_key},
       {"group_name", hcl_quote(group.name)},
       {"architecture", architecture_of(group, catalogue)},
       {"first_type", hcl_quote(group.types.front())},
       {"types", hcl_list(group.types)},
       {"min", std::to_string(group.min_size)},
       {"max", std::to_string(group.max_size)},
       {"node_labels", hcl_quote(comma_joined(in.nodes.labels))},
       {"node_taints", hcl_quote(join(taints, ","))},
       {"suspended_processes", hcl_list(group.suspended_processes)},
       {"on_demand_base", std::to_string(group.distribution.on_demand_base_capacity)},
       {"on_demand_percentage",
        std::to_string(group.distribution.on_demand_percentage_above_base_capacity)},
       {"on_demand_allocation_strategy",
        hcl_quote(cloud::to_string(group.distribution.on_demand_allocation_strategy))},
       {"spot_allocation_strategy",
        hcl_quote(cloud::to_string(group.distribution.spot_allocation_strategy))},
       {"group_tags", tag_lines(group)}});
  values.flags.insert({{"attached", group.attached_to_target_group},
                       {"mixed", spot || group.types.size() > 1},
                       {"spot", spot},
                       // Upstream's termination handler orders no replacement, so the group has to; beside
                       // minato's controller, which does, it would order a second one.
                       {"rebalance", spot && !values.flags.at("own_controllers")},
                       {"suspended", !group.suspended_processes.empty()}});
  return expand(kNodeGroupTf, values);
}

}  // namespace

std::string node_groups(const spec::Spec& spec, const blueprint::Blueprint& blueprint,
                        const cloud::Catalogue& catalogue, const Values& values) {
  std::string out;
  for (const Group& group : groups_of(spec, blueprint))
    out += node_group(group, name_of(spec, group), catalogue, values);
  return out;
}

}  // namespace minato::render
