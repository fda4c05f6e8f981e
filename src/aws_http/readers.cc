#include "aws_http/readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "base/strings.h"

namespace minato::aws_http {
namespace {

using cloud::LifecycleState;

std::int32_t number(std::string_view text, std::int32_t otherwise = 0) {
  const auto value = parse_int(text);
  return value && *value >= INT32_MIN && *value <= INT32_MAX ? static_cast<std::int32_t>(*value)
                                                             : otherwise;
}

WallTime time(std::string_view text) { return parse_rfc3339(text).value_or(WallTime{}); }

bool flag(std::string_view text) { return text == "true"; }

std::vector<std::string> texts(const Element& parent, std::string_view list) {
  std::vector<std::string> out;
  for (const Element* item : parent.items_of(list, "member")) out.push_back(item->text);
  return out;
}

// The enumerator that is called so, or `otherwise`.
template <class Enum>
Enum named(std::string_view text, std::initializer_list<Enum> all, Enum otherwise) {
  const auto found = std::ranges::find_if(all, [&](Enum each) { return to_string(each) == text; });
  return found == all.end() ? otherwise : *found;
}

// Nothing: the group does not count it.
std::optional<LifecycleState> lifecycle_state(std::string_view text) {
  using enum LifecycleState;
  if (text.starts_with("Terminating")) {
    return named(text, {kTerminatingWait, kTerminatingProceed}, kTerminating);
  }
  if (text.starts_with("Pending")) return named(text, {kPendingWait, kPendingProceed}, kPending);
  if (text == "InService") return kInService;
  if (text == "Terminated") return kTerminated;
  return std::nullopt;
}

std::optional<cloud::Instance> read_instance(const Element& member, const std::string& group) {
  const auto state = lifecycle_state(member.at("LifecycleState"));
  if (!state) return std::nullopt;
  cloud::Instance out;
  out.id = member.at("InstanceId");
  out.type = member.at("InstanceType");
  out.zone = member.at("AvailabilityZone");
  out.group = group;
  out.state = *state;
  out.healthy = to_lower(member.at("HealthStatus")) != "unhealthy";
  out.protected_from_scale_in = flag(member.at("ProtectedFromScaleIn"));
  return out;
}

cloud::InstancesDistribution read_distribution(const Element& policy) {
  using enum cloud::SpotAllocationStrategy;
  cloud::InstancesDistribution out;
  const Element* in = policy.find("InstancesDistribution");
  if (in == nullptr) return out;
  out.on_demand_base_capacity = number(in->at("OnDemandBaseCapacity"));
  out.on_demand_percentage_above_base_capacity =
      number(in->at("OnDemandPercentageAboveBaseCapacity"), 100);
  out.on_demand_allocation_strategy =
      named(in->at("OnDemandAllocationStrategy"), {cloud::OnDemandAllocationStrategy::kLowestPrice},
            cloud::OnDemandAllocationStrategy::kPrioritized);
  // Where nobody said otherwise, AWS chooses the lowest price.
  out.spot_allocation_strategy =
      named(in->at("SpotAllocationStrategy"),
            {kPriceCapacityOptimized, kCapacityOptimized, kCapacityOptimizedPrioritized},
            kLowestPrice);
  return out;
}

// The types that the group launches: overrides, or the one that its instances are of.
std::vector<std::string> types_of(const Element* policy, const GroupDescription& group) {
  std::vector<std::string> out;
  const Element* launch = policy == nullptr ? nullptr : policy->find("LaunchTemplate");
  if (launch != nullptr) {
    for (const Element* each : launch->items_of("Overrides", "member")) {
      if (const auto type = each->at("InstanceType"); !type.empty()) out.emplace_back(type);
    }
  }
  if (out.empty() && !group.instances.empty()) out.push_back(group.instances.front().type);
  return out;
}

// EC2 Auto Scaling gives the cause of a failed launch as a sentence, at times after EC2's code:
// "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no …". The seam's form is
// "Code: sentence".
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kCodes = {{
    {"UnfulfillableCapacity", "UnfulfillableCapacity"},
    {"InsufficientInstanceCapacity", "InsufficientInstanceCapacity"},
    {"do not have sufficient", "InsufficientInstanceCapacity"},
    {"no Spot capacity", "InsufficientInstanceCapacity"},
    {"VcpuLimitExceeded", "VcpuLimitExceeded"},
    {"current instance limit", "InstanceLimitExceeded"},
    {"free addresses", "InsufficientFreeAddressesInSubnet"},
}};

std::string with_code(const std::string& message) {
  for (const auto& [words, code] : kCodes) {
    if (!message.contains(words)) continue;
    return message.starts_with(fmt::format("{}:", code)) ? message
                                                         : fmt::format("{}: {}", code, message);
  }
  return "LaunchFailed: " + message;
}

// "We currently do not have sufficient m5.large capacity in the Availability Zone you requested …"
std::string type_in(std::string_view message) {
  constexpr std::string_view kBefore = "do not have sufficient ";
  const std::size_t begin = message.find(kBefore);
  if (begin == message.npos) return {};
  const std::string_view rest = message.substr(begin + kBefore.size());
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.contains('.') ? std::string(word) : std::string();
}

// {"Subnet ID":"subnet-1","Availability Zone":"eu-west-2c"}
std::string zone_in(std::string_view details) {
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(details, error);
  if (error || !document.is_object()) return {};
  const auto* zone = document.get_object().if_contains("Availability Zone");
  return zone != nullptr && zone->is_string() ? std::string(zone->get_string()) : std::string();
}

// Rule: API Reference, Activity, StatusCode: 12 values, of which these three say that it is over.
std::string status_of(std::string_view code) {
  const bool is_over = code == "Successful" || code == "Failed" || code == "Cancelled";
  return is_over ? std::string(code) : "InProgress";
}

}  // namespace

GroupDescription read_group(const Element& member) {
  GroupDescription out;
  cloud::AutoScalingGroup& group = out.group;
  group.name = member.at("AutoScalingGroupName");
  group.min_size = number(member.at("MinSize"));
  group.max_size = number(member.at("MaxSize"));
  group.desired_capacity = number(member.at("DesiredCapacity"));
  group.zones = texts(member, "AvailabilityZones");
  std::ranges::sort(group.zones);
  for (const Element* each : member.items_of("Instances", "member")) {
    if (auto instance = read_instance(*each, group.name)) out.instances.push_back(*instance);
  }
  const Element* policy = member.find("MixedInstancesPolicy");
  if (policy != nullptr) group.distribution = read_distribution(*policy);
  group.types = types_of(policy, out);
  group.capacity_rebalance = flag(member.at("CapacityRebalance"));
  group.new_instances_protected_from_scale_in = flag(member.at("NewInstancesProtectedFromScaleIn"));
  for (const Element* each : member.items_of("SuspendedProcesses", "member")) {
    group.suspended_processes.emplace_back(each->at("ProcessName"));
  }
  group.elb_health_check = member.at("HealthCheckType").contains("ELB");
  group.health_check_grace_period =
      std::chrono::seconds(number(member.at("HealthCheckGracePeriod")));
  group.attached_to_target_group = !member.items_of("TargetGroupARNs", "member").empty();
  for (const Element* tag : member.items_of("Tags", "member")) {
    group.tags[std::string(tag->at("Key"))] = tag->at("Value");
  }
  return out;
}

cloud::LifecycleHook read_lifecycle_hook(const Element& member) {
  cloud::LifecycleHook out;
  out.name = member.at("LifecycleHookName");
  out.transition = member.at("LifecycleTransition").ends_with("LAUNCHING")
                       ? cloud::LifecycleTransition::kLaunching
                       : cloud::LifecycleTransition::kTerminating;
  out.heartbeat_timeout = std::chrono::seconds(number(member.at("HeartbeatTimeout"), 3600));
  out.default_result = member.at("DefaultResult") == "CONTINUE" ? cloud::LifecycleResult::kContinue
                                                                : cloud::LifecycleResult::kAbandon;
  return out;
}

std::map<std::string, InstanceDetails> read_instances(const Element& page) {
  std::map<std::string, InstanceDetails> out;
  for (const Element* reservation : page.items_of("reservationSet", "item")) {
    for (const Element* each : reservation->items_of("instancesSet", "item")) {
      InstanceDetails details;
      if (each->at("instanceLifecycle") == "spot") details.market = cloud::Market::kSpot;
      details.private_ip = each->at("privateIpAddress");
      details.hostname = each->at("privateDnsName");
      details.launch_time = time(each->at("launchTime"));
      out[std::string(each->at("instanceId"))] = std::move(details);
    }
  }
  return out;
}

ActivityDescription read_activity(const Element& member) {
  ActivityDescription out{.id = std::string(member.at("ActivityId")), .activity = {}};
  cloud::Activity& activity = out.activity;
  activity.start = time(member.at("StartTime"));
  activity.end = time(member.at("EndTime"));
  activity.group = member.at("AutoScalingGroupName");
  activity.description = member.at("Description");
  activity.cause = member.at("Cause");
  activity.status = status_of(member.at("StatusCode"));
  activity.status_message = member.at("StatusMessage");
  if (activity.status != "Failed" || !activity.description.starts_with("Launching")) return out;
  activity.type = type_in(activity.status_message);
  activity.zone = zone_in(member.at("Details"));
  if (activity.status_message.contains("Spot")) activity.market = cloud::Market::kSpot;
  activity.status_message = with_code(activity.status_message);
  return out;
}

std::optional<cloud::TargetHealth> read_target(const Element& member) {
  using enum cloud::TargetState;
  const std::string_view state = member.at("TargetHealth/State");
  cloud::TargetHealth out;
  out.reason = member.at("TargetHealth/Reason");
  if (state == "unused" && out.reason == "Target.NotRegistered") return std::nullopt;
  out.instance_id = member.at("Target/Id");
  out.port = static_cast<std::uint16_t>(number(member.at("Target/Port")));
  out.zone = member.at("Target/AvailabilityZone");
  out.description = member.at("TargetHealth/Description");
  // What is not known to serve ("unavailable", and what AWS may add) counts as not yet serving.
  out.state = state == "unhealthy.draining"
                  ? kDraining
                  : named(state, {kHealthy, kUnhealthy, kDraining, kUnused}, kInitial);
  return out;
}

}  // namespace minato::aws_http
