// Launches: choosing a pool, booting, and what happens when EC2 refuses.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "cloudmodel/cloud.h"

namespace minato::cloudmodel {

using cloud::Instance;
using cloud::LifecycleState;
using cloud::Market;

namespace {

constexpr std::string_view kInsufficient = "InsufficientInstanceCapacity";
constexpr std::string_view kNoAddresses = "InsufficientFreeAddressesInSubnet";

std::string retry_subject(const Group& group, Market market) {
  return fmt::format("{}/{}", to_string(market), group.spec.name);
}

// `pools`: of how many, of which `wanted` is one.
std::string capacity_message(const Group& group, const Pool& wanted, std::size_t pools) {
  const std::string_view market = wanted.market == Market::kSpot ? "Spot" : "On-Demand";
  if (pools == 1) {
    return fmt::format("{}: there is no {} capacity for {} in {}", kInsufficient, market, wanted.type,
                       wanted.zone);
  }
  return fmt::format("UnfulfillableCapacity: could not launch {} Instances: none of the pools of "
                     "{} in {} has capacity",
                     market, join(group.spec.types, ", "), join(group.spec.zones, ", "));
}

}  // namespace

bool Cloud::usable(const Pool& pool, bool avoided_too) const {
  return pools_.available(pool) &&
         (avoided_too || !agenda_.contains(Due::kPoolAvoided, pool.name()));
}

// Zones come first: a type that the strategy likes less in the emptiest zone is better than the
// best one elsewhere.
std::optional<Pool> Cloud::choose_pool(const Group& group, const Census& now,
                                       const LaunchRequest& request, bool avoided_too) const {
  for (const std::string& zone : request.zones) {
    std::vector<std::string> types = group.spec.types;
    std::erase_if(types, [&](const std::string& type) {
      return !usable({type, zone, request.market}, avoided_too) ||
             depth_of(pools_, now, type, zone) < request.least_depth;
    });
    if (types.empty()) continue;
    types = types_by_strategy(group.spec.distribution, std::move(types), zone, request.market,
                              pools_, now);
    return Pool{types.front(), zone, request.market};
  }
  return {};
}

// A zone that was to have the instance and has no capacity is a failed activity of its own, as on
// EC2, though another zone gets it: without that nobody could know.
void Cloud::note_passed_over(const Group& group, const LaunchRequest& request, const std::string& zone) {
  for (const std::string& type : group.spec.types) {
    const Pool pool{type, zone, request.market};
    if (pools_.available(pool) || agenda_.contains(Due::kPoolAvoided, pool.name())) continue;
    agenda_.set(Due::kPoolAvoided, pool.name(), options_.capacity_memory);
    const std::uint64_t activity = activities_.begin({.group = group.spec.name,
                                                      .description = "Launching a new EC2 instance",
                                                      .cause = request.cause,
                                                      .type = type,
                                                      .zone = zone,
                                                      .market = request.market},
                                                     env_.clock.wall());
    activities_.finish(activity, "Failed", capacity_message(group, pool, 1), env_.clock.wall());
  }
}

std::int32_t Cloud::spot_instances() const {
  return static_cast<std::int32_t>(std::ranges::count_if(instances_, [](const auto& entry) {
    return entry.second->instance.market == Market::kSpot && entry.second->alive;
  }));
}

bool Cloud::launch(Group& group, Census& now, LaunchRequest request) {
  if (request.market == Market::kSpot && pools_.spot_limit() &&
      spot_instances() >= *pools_.spot_limit()) {
    fail_launch(group, request,
                fmt::format("MaxSpotInstanceCountExceeded: the account may have {} Spot Instances",
                            *pools_.spot_limit()));
    return false;
  }
  auto pool = choose_pool(group, now, request, false);
  if (!pool) pool = choose_pool(group, now, request, true);
  if (!pool) {
    const Pool wanted{group.spec.types.front(), request.zones.front(), request.market};
    fail_launch(group, request, capacity_message(group, wanted, request.zones.size() * group.spec.types.size()));
    return false;
  }
  for (const std::string& zone : request.zones) {
    if (zone == pool->zone) break;
    note_passed_over(group, request, zone);
  }
  Record record;
  Instance& instance = record.instance;
  instance.id = fmt::format("i-0{:016x}", env_.rng.next());
  instance.type = pool->type;
  instance.zone = pool->zone;
  instance.group = group.spec.name;
  instance.market = pool->market;
  instance.protected_from_scale_in = group.spec.new_instances_protected_from_scale_in;
  instance.launch_time = env_.clock.wall();
  record.bill = {.instance_id = instance.id, .type = instance.type, .zone = instance.zone,
                 .group = instance.group, .market = instance.market,
                 .micro_usd_per_hour = pools_.price(instance.type, instance.market)};
  record.activity =
      activities_.begin({.group = group.spec.name,
                         .description = "Launching a new EC2 instance: " + instance.id,
                         .cause = std::move(request.cause),
                         .type = pool->type,
                         .zone = pool->zone,
                         .market = pool->market},
                        env_.clock.wall());
  ++now.members;
  ++now.zones[pool->zone];
  if (pool->market == Market::kOnDemand) ++now.on_demand;
  if (pool->market == Market::kSpot) ++now.spot_pools[{pool->type, pool->zone}];
  if (!request.relieves.empty()) {
    ++now.relief;
    record.relieves = request.relieves;
    relief_of_[request.relieves] = instance.id;
  }
  group.members.insert(instance.id);
  const std::string id = instance.id;
  boot(*instances_.emplace(id, Kept(std::move(record))).first->second);
  changed();
  return true;
}

void Cloud::fail_launch(Group& group, const LaunchRequest& request, std::string message) {
  env_.log.write(env::Level::kWarning, "cloud",
                 fmt::format("launch in group {} failed: {}", group.spec.name, message));
  const std::uint64_t activity =
      activities_.begin({.group = group.spec.name,
                         .description = "Launching a new EC2 instance",
                         .cause = request.cause,
                         .type = group.spec.types.front(),
                         .zone = request.zones.empty() ? "" : request.zones.front(),
                         .market = request.market},
                        env_.clock.wall());
  activities_.finish(activity, "Failed", std::move(message), env_.clock.wall());
  back_off(group, request.market);
  changed();
}

// Again for the same instance after a restart: the driver makes one machine of an id.
void Cloud::boot(const Record& record) {
  const Instance& instance = record.instance;
  instance::Spec spec{.id = instance.id, .type = instance.type, .zone = instance.zone,
                      .spot = instance.market == Market::kSpot, .group = instance.group};
  if (const cloud::InstanceType* type = pools_.type(instance.type)) {
    spec.vcpus = type->vcpus;
    spec.memory_bytes = static_cast<std::int64_t>(type->memory_mib) << 20;
  }
  enqueue([this, spec = std::move(spec)] {
    // Given up before it was asked for.
    const Kept<Record>* kept = find(spec.id);
    if (kept == nullptr || (*kept)->instance.state != LifecycleState::kPending) return;
    driver_.boot(spec, [this, id = spec.id,
                        alive = std::weak_ptr(alive_)](Result<instance::Machine> machine) {
      if (alive.lock()) launched(id, std::move(machine));
    });
  });
}

void Cloud::launched(const std::string& id, Result<instance::Machine> machine) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr || (*kept)->instance.state != LifecycleState::kPending || !(*kept)->alive ||
      !(*kept)->instance.private_ip.empty()) {
    return;
  }
  if (!machine) return launch_failed(id, machine.error());
  Record& record = kept->edit();
  Instance& instance = record.instance;
  groups_.at(instance.group).retry[static_cast<std::size_t>(instance.market)] = Duration{0};
  instance.private_ip = machine->private_ip;
  instance.hostname = machine->hostname;
  record.bill.from = env_.clock.wall();
  changed();
  if (listener_.running) listener_.running(instance);
  if (!begin_hooks(record, cloud::LifecycleTransition::kLaunching)) enter_service(id);
}

void Cloud::launch_failed(const std::string& id, const Error& error) {
  Record record = *instances_.at(id);
  Group& group = groups_.at(record.instance.group);
  env_.log.write(env::Level::kWarning, "cloud",
                 fmt::format("launch in group {} failed: {}", group.spec.name, error.message));
  finish_activity(record, "Failed", error.message);
  dissolve_relief(record);
  group.members.erase(id);
  instances_.erase(id);
  agenda_.cancel_subject(id);
  const Market market = record.instance.market;
  const Pool refused{record.instance.type, record.instance.zone, market};
  bool others = false;
  // A pool may have nothing, or the zone's subnet no address for any type.
  std::vector<std::string> types;
  if (error.message.starts_with(kInsufficient)) types = {refused.type};
  if (error.message.starts_with(kNoAddresses)) types = group.spec.types;
  if (!types.empty()) {
    for (const std::string& type : types) {
      agenda_.set(Due::kPoolAvoided, Pool{type, refused.zone, market}.name(), options_.capacity_memory);
    }
    const LaunchRequest request{.market = market, .zones = group.spec.zones};
    others = choose_pool(group, census(group), request, false).has_value();
  }
  if (!others) back_off(group, market);
  changed();
  hold(group.spec.name);
}

void Cloud::back_off(Group& group, Market market) {
  Duration& retry = group.retry[static_cast<std::size_t>(market)];
  retry = retry == Duration{0} ? options_.launch_retry
                               : std::min(retry * 2, options_.launch_retry_max);
  agenda_.set(Due::kLaunchRetry, retry_subject(group, market), retry);
}

void Cloud::forget_back_off(Group& group, Market market) {
  group.retry[static_cast<std::size_t>(market)] = Duration{0};
  agenda_.cancel(Due::kLaunchRetry, retry_subject(group, market));
}

bool Cloud::backing_off(const Group& group, Market market) const {
  return agenda_.contains(Due::kLaunchRetry, retry_subject(group, market));
}

}  // namespace minato::cloudmodel
