// Which Auto Scaling Groups are autoscaled, and what their tags say of Nodes that do not exist yet.
//
// Pure functions over text and tags. Errors: Invalid, with the text and the form that is expected.
// Rules: cluster-autoscaler cloudprovider/aws/README.md, aws_manager.go (extract…FromAsg: what does
// not parse is left out), cloudprovider.NodeGroupDiscoveryOptions, config/dynamic NodeGroupSpec.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/options.h"
#include "kube/types/node.h"

namespace minato::autoscaler {

inline constexpr std::string_view kTagPrefix = "k8s.io/cluster-autoscaler/";
inline constexpr std::string_view kTagOnDemandBase = "minato.dev/on-demand-base";

// "asg:tag=key,other=value": a group must have every tag, with that value where one is given.
struct DiscoverySpec {
  std::map<std::string, std::optional<std::string>> tags;
  bool matches(const cloud::AutoScalingGroup& group) const;
};
Result<DiscoverySpec> parse_discovery(std::string_view text);

// "1:10:name".
struct GroupSpec {
  std::int32_t min_size = 0;
  std::int32_t max_size = 0;
  std::string name;
};
Result<GroupSpec> parse_group_spec(std::string_view text);

// The groups of `options` among `all`, ordered by name; an explicit specification narrows the
// group's own limits. Errors: Invalid.
Result<std::vector<cloud::AutoScalingGroup>> autoscaled_groups(
    const std::vector<cloud::AutoScalingGroup>& all, const Options& options);

using Tags = std::map<std::string, std::string>;
// …/node-template/label/<key>
std::map<std::string, std::string> label_tags(const Tags& tags);
// …/node-template/taint/<key> = "value:Effect"
std::vector<kube::Taint> taint_tags(const Tags& tags);
// …/node-template/resources/<name>
std::map<std::string, kube::Quantity> resource_tags(const Tags& tags);
// …/node-template/autoscaling-options/<name>
GroupScaleDownOptions scale_down_options(const Tags& tags, const GroupScaleDownOptions& defaults);
Duration max_node_provision_time(const Tags& tags, Duration otherwise);
// The base that the group was configured with, whatever was made of it meanwhile; nothing when
// nobody says it, and then it is not touched.
std::optional<std::int32_t> configured_on_demand_base(const cloud::AutoScalingGroup& group,
                                                      const SpotOptions& options);

}  // namespace minato::autoscaler
