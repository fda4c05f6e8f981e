#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "lint/rules.h"

namespace minato::lint {
namespace {

std::string name_of(const HclBlock& block) { return block.labels[0] + "." + block.labels[1]; }

const HclBlock kNothing;

const HclBlock& inner(const HclBlock& block, std::string_view type) {
  const HclBlock* found = block.block(type);
  return found == nullptr ? kNothing : *found;
}

void check_cluster(const HclModule& module, const Sink& found) {
  for (const HclBlock* cluster : module.resources("aws_eks_cluster")) {
    if (module.value(inner(*cluster, "access_config"), "authentication_mode") != "API")
      found("C1", name_of(*cluster), "authentication_mode is not API");
    if (module.value(inner(*cluster, "upgrade_policy"), "support_type") != "STANDARD")
      found("V2", name_of(*cluster), "support_type is not STANDARD");
    const HclBlock& network = inner(*cluster, "vpc_config");
    const std::string open = module.value(network, "endpoint_public_access");
    const std::string blocks = module.value(network, "public_access_cidrs");
    if (open != "false" && (blocks.empty() || blocks.find("0.0.0.0/0") != std::string::npos)) {
      found("C3", name_of(*cluster), "the endpoint is public for every address");
    }
  }
  for (const HclBlock* group : module.resources("aws_cloudwatch_log_group")) {
    const std::string days = module.value(*group, "retention_in_days");
    if (days.empty() || days == "0") found("C4", name_of(*group), "no retention_in_days");
  }
}

// Rule: EC2 Auto Scaling API, InstancesDistribution: OnDemandPercentageAboveBaseCapacity defaults
// to 100, SpotAllocationStrategy to lowest-price.
void check_distribution(const HclModule& module, const HclBlock& group, const Sink& found) {
  const HclBlock* mixed = group.block("mixed_instances_policy");
  if (mixed == nullptr) return;
  const HclBlock& distribution = inner(*mixed, "instances_distribution");
  const std::string percentage =
      module.value(distribution, "on_demand_percentage_above_base_capacity");
  if (percentage.empty())
    found("A11", name_of(group), "on_demand_percentage_above_base_capacity is not set: no spot");
  const std::string strategy = module.value(distribution, "spot_allocation_strategy");
  if (percentage != "100" && (strategy.empty() || strategy == "lowest-price"))
    found("A12", name_of(group), "spot_allocation_strategy is lowest-price");
}

// User data as they stand, also within heredocs and templates' arguments.
void check_user_data(const HclBlock& launch, const Sink& found) {
  const std::string text = launch.attribute("user_data");
  if (text.find("/etc/eks/bootstrap.sh") != std::string::npos)
    found("L3", name_of(launch), "user data call bootstrap.sh");
  if (text.find("node-role.kubernetes.io/") != std::string::npos)
    found("L4", name_of(launch), "a label in node-role.kubernetes.io");
}

void check_groups(const HclModule& module, const Sink& found) {
  for (const HclBlock* group : module.resources("aws_autoscaling_group")) {
    if (inner(*group, "lifecycle").attribute("ignore_changes").find("desired_capacity") ==
        std::string::npos) {
      found("A5", name_of(*group), "desired_capacity is not ignored");
    }
    const std::string type = module.value(*group, "health_check_type");
    if (type == "ELB") found("A6", name_of(*group), "health_check_type is ELB");
    check_distribution(module, *group, found);
  }
  for (const HclBlock* launch : module.resources("aws_launch_template")) {
    check_user_data(*launch, found);
    const HclBlock& metadata = inner(*launch, "metadata_options");
    const std::string hops = module.value(metadata, "http_put_response_hop_limit");
    if (module.value(metadata, "http_tokens") != "required" || hops != "1") {
      found(
          "L5", name_of(*launch),
          fmt::format("http_tokens {}, hop limit {}", module.value(metadata, "http_tokens"), hops));
    }
    for (const HclBlock& device : launch->blocks) {
      if (device.type == "block_device_mappings" &&
          module.value(inner(device, "ebs"), "encrypted") != "true") {
        found("L7", name_of(*launch), "a volume is not encrypted");
      }
    }
  }
}

// Rule: hashicorp/aws aws_autoscaling_attachment, "Using with aws_autoscaling_group".
void check_attachments(const HclModule& module, const Sink& found) {
  if (module.resources("aws_autoscaling_attachment").empty()) return;
  for (const HclBlock* group : module.resources("aws_autoscaling_group")) {
    const bool own =
        group->block("traffic_source") != nullptr || !group->attribute("target_group_arns").empty();
    const std::string ignored = inner(*group, "lifecycle").attribute("ignore_changes");
    const bool leaves_alone = ignored.find("target_group_arns") != std::string::npos ||
                              ignored.find("traffic_source") != std::string::npos;
    if (own && !leaves_alone)
      found("A7", name_of(*group),
            "target groups in the group, and in an aws_autoscaling_attachment");
  }
}

// Names of Amazon Linux 2: of its parameters and of its images, where 2023's say al2023.
bool is_amazon_linux_2(std::string_view text) {
  constexpr std::string_view kImage = "amazon-eks-node-";
  if (text.find("/amazon-linux-2/") != std::string_view::npos ||
      text.find("AL2_") != std::string_view::npos)
    return true;
  const std::size_t at = text.find(kImage);
  return at != std::string_view::npos && text.substr(at + kImage.size()).starts_with("1.");
}

void check_images(const HclModule& module, const Sink& found) {
  for (const HclBlock* parameter : module.data("aws_ssm_parameter")) {
    if (is_amazon_linux_2(module.value(*parameter, "name")))
      found("L1", "data." + name_of(*parameter), module.value(*parameter, "name"));
  }
  for (const HclBlock* image : module.data("aws_ami")) {
    for (const HclBlock& filter : image->blocks) {
      if (is_amazon_linux_2(filter.attribute("values")))
        found("L1", "data." + name_of(*image), filter.attribute("values"));
    }
  }
  for (const HclBlock* group : module.resources("aws_eks_node_group")) {
    if (is_amazon_linux_2(module.value(*group, "ami_type")))
      found("L1", name_of(*group), module.value(*group, "ami_type"));
  }
}

// Whether the world reaches the ports that Services are on.
void check_node_ports(const HclModule& module, const Sink& found) {
  constexpr std::int64_t kFirst = 30000, kLast = 32767;
  for (const auto& [type, blocks] : {std::pair{"aws_vpc_security_group_ingress_rule", "cidr_ipv4"},
                                     {"aws_security_group_rule", "cidr_blocks"}}) {
    for (const HclBlock* rule : module.resources(type)) {
      if (module.value(*rule, "type") == "egress" ||
          module.value(*rule, blocks).find("0.0.0.0/0") == std::string::npos)
        continue;
      const std::vector<std::string> from = module.values(*rule, "from_port"),
                                     to = module.values(*rule, "to_port");
      for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i) {
        const auto low = parse_int(from[i]), high = parse_int(to[i]);
        if (low && high && *low <= kLast && *high >= kFirst)
          found("T5", name_of(*rule), fmt::format("ports {} to {} for 0.0.0.0/0", *low, *high));
      }
    }
  }
}

void check_listeners(const HclModule& module, const Sink& found) {
  for (const HclBlock* listener : module.resources("aws_lb_listener")) {
    const std::string protocol = module.value(*listener, "protocol");
    const std::string action = module.value(inner(*listener, "default_action"), "type");
    const std::string policy = module.value(*listener, "ssl_policy");
    if (protocol == "HTTP" && action != "redirect")
      found("T1", name_of(*listener), "HTTP that is not redirected");
    if (protocol == "HTTPS" && policy.find("TLS13-1-2") == std::string::npos &&
        policy.find("TLS-1-2") == std::string::npos) {
      found("T1", name_of(*listener), policy.empty() ? "no ssl_policy: AWS's oldest" : policy);
    }
  }
}

}  // namespace

void check_terraform(const HclModule& module, const Sink& found) {
  check_cluster(module, found);
  check_groups(module, found);
  check_attachments(module, found);
  check_images(module, found);
  check_node_ports(module, found);
  check_listeners(module, found);
}

}  // namespace minato::lint
