// Turns: what changes in one is saved once, and only then do the drivers hear of it. Also the start
// after a restart, and the queries.
#include "cloudmodel/cloud.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace minato::cloudmodel {

using cloud::Activity;
using cloud::AutoScalingGroup;
using cloud::Done;
using cloud::Instance;
using cloud::LifecycleState;

Cloud::Cloud(env::Env env, instance::Driver& instances, balancer::Driver& balancer, Options options)
    : env_(std::move(env)),
      driver_(instances),
      balancer_(balancer),
      options_(std::move(options)),
      pools_(*options_.catalogue),
      activities_(options_.activity_history),
      ended_bills_(options_.bill_history),
      agenda_(env_.clock, env_.executor,
              [this](Due due, const std::string& subject) { run_due(due, subject); }),
      alive_(std::make_shared<bool>(true)) {
  // The drivers outlive the control plane: machines die and targets change while it is away.
  driver_.set_sink([this, alive = std::weak_ptr(alive_)](const std::string& id) {
    if (alive.lock()) machine_gone(id);
  });
  balancer_.set_sink([this, alive = std::weak_ptr(alive_)](const balancer::Observation& o) {
    if (alive.lock()) observe(o);
  });
}

void Cloud::changed() {
  dirty_ = true;
  arm();
}

void Cloud::enqueue(env::Task call) {
  calls_.push_back(std::move(call));
  arm();
}

void Cloud::answer(Done done, Status status) {
  enqueue([done = std::move(done), status = std::move(status)]() mutable {
    done(std::move(status));
  });
}

void Cloud::arm() {
  if (armed_) return;
  armed_ = true;
  env_.executor.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) run_turn();
  });
}

// The calls come a turn after the saving: a store that commits at the end of its turn has done so.
void Cloud::run_turn() {
  armed_ = false;
  flush();
  if (calls_.empty()) return;
  env_.executor.post([calls = std::exchange(calls_, {}), alive = std::weak_ptr(alive_)]() mutable {
    for (env::Task& call : calls) {
      if (!alive.lock()) return;
      call();
    }
  });
}

void Cloud::flush() {
  if (!std::exchange(dirty_, false) || !options_.save) return;
  options_.save(state());
}

void Cloud::warn(const Status& status) const {
  if (!status) env_.log.write(env::Level::kWarning, "cloud", status.error().message);
}

void Cloud::run_due(Due due, const std::string& subject) {
  changed();  // The entry itself is gone.
  switch (due) {
    case Due::kLaunchRetry: return hold(subject.substr(subject.find('/') + 1));
    case Due::kZoneCheck: {
      if (const auto group = groups_.find(subject); group != groups_.end()) {
        Census now = census(group->second);
        rebalance_zones(group->second, now);
        hold(subject);
      }
      return;
    }
    case Due::kPoolAvoided: return;  // To be forgotten was all.
    case Due::kHookTimeout: {
      const std::size_t slash = subject.find('/');
      const std::string id = subject.substr(0, slash), hook = subject.substr(slash + 1);
      const Kept<Record>* kept = find(id);
      if (kept == nullptr) return;
      const auto wait = std::ranges::find((*kept)->waits, hook, &HookWait::hook);
      if (wait != (*kept)->waits.end()) end_wait(id, hook, wait->default_result);
      return;
    }
    case Due::kMaintenance: {
      const std::size_t slash = subject.find('/');
      return run_maintenance(subject.substr(0, slash), subject.substr(slash + 1));
    }
    default: return run_due_instance(due, subject);
  }
}

void Cloud::run_due_instance(Due due, const std::string& id) {
  Kept<Record>* kept = find(id);
  if (kept == nullptr) return;
  switch (due) {
    case Due::kInstanceCheck:
      return replace_unhealthy(id,
                               "an instance was taken out of service in response to an EC2 health "
                               "check indicating it has been terminated or stopped");
    case Due::kElbCheck: return check_elb_health(id);
    case Due::kProceed: return enter_service(id);
    case Due::kDrained:
      remove_target(id);
      return step_termination(id);
    case Due::kDestroyRetry: return destroy(id);
    case Due::kSpotNotice: return give_notice(id);
    case Due::kInterruption: return reclaim(id, Reclaim::kInterruption);
    default: return;  // Those whose subject is no instance.
  }
}

void Cloud::start() {
  started_ = true;
  std::map<std::string, instance::Machine> present;
  for (const instance::Machine& machine : driver_.list()) present.emplace(machine.id, machine);
  std::vector<std::string> known;
  for (const auto& [id, kept] : instances_) known.push_back(id);
  for (const std::string& id : known) {
    const auto machine = present.find(id);
    adopt(find(id)->edit(), machine == present.end() ? nullptr : &machine->second);
  }
  adopt_targets();
  for (const std::string& id : known) step_termination(id);
  for (const auto& [id, machine] : present) {
    // Booted, but the record of it was not kept: nobody may be left running unseen.
    if (!instances_.contains(id)) {
      enqueue([this, id] { driver_.terminate(id, instance::Loss::kTerminate, [](Status) {}); });
    }
  }
  agenda_.start();
  for (const auto& [name, group] : groups_) hold(name);
  changed();
}

// Goes on with one instance where the former process left it. `machine`: null when there is none.
void Cloud::adopt(Record& record, const instance::Machine* machine) {
  const std::string& id = record.instance.id;
  if (!record.alive) return;  // Known already; what follows is on the agenda.
  const bool booting =
      record.instance.private_ip.empty() && record.instance.state == LifecycleState::kPending;
  if (booting && machine == nullptr) {
    return enqueue([this, id = id] {
      // What the former process asked for may have come up since.
      for (const instance::Machine& late : driver_.list()) {
        if (late.id == id) return launched(id, late);
      }
      if (const Kept<Record>* kept = find(id)) boot(**kept);
    });
  }
  if (booting) return launched(id, *machine);
  if (machine == nullptr) return machine_gone(id);
  if (listener_.running && !record.instance.private_ip.empty()) listener_.running(record.instance);
  if (record.reclaim != Reclaim::kNone) end_reclaimed(id);
}

Kept<Record>* Cloud::find(const std::string& id) {
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : &found->second;
}

const Kept<Record>* Cloud::find(const std::string& id) const {
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : &found->second;
}

std::vector<AutoScalingGroup> Cloud::describe_auto_scaling_groups() const {
  std::vector<AutoScalingGroup> out;
  for (const auto& [name, group] : groups_) out.push_back(group.spec);
  return out;
}

std::vector<Instance> Cloud::describe_auto_scaling_instances() const {
  std::vector<Instance> out;
  for (const auto& [id, kept] : instances_) out.push_back(kept->instance);
  return out;
}

std::vector<Activity> Cloud::describe_scaling_activities() const { return activities_.list(); }

const Instance* Cloud::find_instance(const std::string& id) const {
  const Kept<Record>* kept = find(id);
  return kept == nullptr ? nullptr : &(*kept)->instance;
}

bool Cloud::exists(const std::string& provider_id) const {
  const Kept<Record>* kept = find(provider_id.substr(provider_id.rfind('/') + 1));
  return kept != nullptr && (*kept)->alive && (*kept)->instance.provider_id() == provider_id;
}

Costs Cloud::costs() const {
  std::vector<Bill> bills;
  for (const auto& [id, kept] : instances_) bills.push_back(kept->bill);
  return ended_bills_.costs(std::move(bills), env_.clock.wall());
}

std::uint64_t Cloud::begin_activity(const std::string& group, std::string description,
                                    std::string cause) {
  return activities_.begin(
      {.group = group, .description = std::move(description), .cause = std::move(cause)},
      env_.clock.wall());
}

void Cloud::finish_activity(Record& record, std::string_view status, std::string message) {
  activities_.finish(std::exchange(record.activity, 0), status, std::move(message),
                     env_.clock.wall());
}

Status Cloud::asked(const std::function<Status()>& call) {
  ++calls_made_;
  return throttled_ ? fail(Reason::kTooManyRequests, "Throttling: Rate exceeded") : call();
}

void Cloud::set_desired_capacity(const std::string& group, std::int32_t desired, Done done) {
  answer(std::move(done), asked([&] { return set_desired_capacity(group, desired); }));
}

void Cloud::terminate_instance_in_auto_scaling_group(const std::string& id,
                                                     cloud::Decrement decrement, Done done) {
  answer(std::move(done), asked([&] { return terminate_instance(id, decrement); }));
}

void Cloud::update_instances_distribution(const std::string& group,
                                          const cloud::InstancesDistribution& distribution,
                                          Done done) {
  answer(std::move(done), asked([&] { return update_instances_distribution(group, distribution); }));
}

void Cloud::complete_lifecycle_action(const std::string& group, const std::string& hook,
                                      const std::string& id, cloud::LifecycleResult result,
                                      Done done) {
  answer(std::move(done), asked([&] { return complete_lifecycle_action(group, hook, id, result); }));
}

void Cloud::record_lifecycle_action_heartbeat(const std::string& group, const std::string& hook,
                                              const std::string& id, Done done) {
  answer(std::move(done), asked([&] { return record_lifecycle_action_heartbeat(group, hook, id); }));
}

void Cloud::register_target(const std::string& instance_id, Done done) {
  answer(std::move(done), asked([&] { return register_target(instance_id); }));
}

void Cloud::deregister_target(const std::string& instance_id, Done done) {
  answer(std::move(done), asked([&] { return ignore_not_found(deregister_target(instance_id)); }));
}

}  // namespace minato::cloudmodel
