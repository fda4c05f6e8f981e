#include "aws_http/load_balancing.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws_http/readers.h"
#include "base/strings.h"

namespace minato::aws_http {
namespace {

constexpr std::string_view kDelayAttribute = "deregistration_delay.timeout_seconds";

std::string_view value_of(const Element& answer, std::string_view attribute) {
  const Element* result = answer.find("DescribeTargetGroupAttributesResult");
  if (result == nullptr) return {};
  for (const Element* each : result->items_of("Attributes", "member")) {
    if (each->at("Key") == attribute) return each->at("Value");
  }
  return {};
}

}  // namespace

LoadBalancing::LoadBalancing(env::Env env, Client& client, const cloud::AutoScaling& instances,
                             Options options)
    : env_(std::move(env)),
      client_(client),
      instances_(instances),
      options_(std::move(options)),
      arn_(options_.target_group.starts_with("arn:") ? options_.target_group : ""),
      alive_(std::make_shared<bool>(true)),
      poller_(env_.fork("poller"), "describing target group " + options_.target_group,
              [this](cloud::Done done) { look(std::move(done)); },
              [this] { return is_at_rest() ? options_.calm_period : options_.busy_period; }) {}

std::vector<cloud::TargetHealth> LoadBalancing::describe_target_health() const {
  std::vector<cloud::TargetHealth> out;
  for (const auto& [id, target] : targets_) out.push_back(target);
  return out;
}

bool LoadBalancing::is_at_rest() const {
  return std::ranges::none_of(targets_, [](const auto& entry) {
    return entry.second.state == cloud::TargetState::kInitial ||
           entry.second.state == cloud::TargetState::kDraining;
  });
}

// Goes on with `next` where the call succeeded.
cloud::Done LoadBalancing::then(cloud::Done done, void (LoadBalancing::*next)(cloud::Done)) {
  return [this, alive = std::weak_ptr(alive_), next, done = std::move(done)](Status status) mutable {
    if (!alive.lock()) return;
    status ? (this->*next)(std::move(done)) : done(std::move(status));
  };
}

void LoadBalancing::look(cloud::Done done) {
  auto to_targets = then(std::move(done), &LoadBalancing::look_at_targets);
  auto to_attributes = then(std::move(to_targets), &LoadBalancing::look_at_attributes);
  arn_.empty() ? look_for_arn(std::move(to_attributes)) : to_attributes({});
}

void LoadBalancing::look_for_arn(cloud::Done done) {
  client_.call(Action::kDescribeTargetGroups, {{"Names.member.1", options_.target_group}},
               [this, alive = std::weak_ptr(alive_),
                done = std::move(done)](Result<Element> answer) mutable {
                 if (!alive.lock()) return;
                 if (!answer) return done(std::unexpected(answer.error()));
                 arn_ = answer->at(
                     "DescribeTargetGroupsResult/TargetGroups/member/TargetGroupArn");
                 if (!arn_.empty()) return done({});
                 done(fail(Reason::kNotFound,
                           fmt::format("there is no target group {}", options_.target_group)));
               });
}

void LoadBalancing::look_at_attributes(cloud::Done done) {
  const MonoTime now = env_.clock.monotonic();
  if (attributes_asked_ && now < *attributes_asked_ + options_.attributes_period) return done({});
  client_.call(Action::kDescribeTargetGroupAttributes, {{"TargetGroupArn", arn_}},
               [this, alive = std::weak_ptr(alive_), now,
                done = std::move(done)](Result<Element> answer) mutable {
                 if (!alive.lock()) return;
                 if (!answer) return done(std::unexpected(answer.error()));
                 attributes_asked_ = now;
                 if (const auto delay = parse_int(value_of(*answer, kDelayAttribute))) {
                   deregistration_delay_ = std::chrono::seconds(*delay);
                 }
                 done({});
               });
}

void LoadBalancing::look_at_targets(cloud::Done done) {
  client_.call(Action::kDescribeTargetHealth, {{"TargetGroupArn", arn_}},
               [this, alive = std::weak_ptr(alive_), changes = changes_,
                done = std::move(done)](Result<Element> answer) mutable {
                 if (!alive.lock()) return;
                 // A change was accepted meanwhile: what is described since is newer.
                 if (answer && changes == changes_) publish(*answer);
                 done(answer ? Status{} : std::unexpected(answer.error()));
               });
}

void LoadBalancing::publish(const Element& answer) {
  std::map<std::string, cloud::TargetHealth> targets;
  const Element* result = answer.find("DescribeTargetHealthResult");
  if (result == nullptr) return;
  for (const Element* each : result->items_of("TargetHealthDescriptions", "member")) {
    auto target = read_target(*each);
    if (!target) continue;
    const auto known = targets_.find(target->instance_id);
    const bool is_same = known != targets_.end() && known->second.state == target->state;
    target->since = is_same ? known->second.since : env_.clock.wall();
    targets[target->instance_id] = std::move(*target);
  }
  for (const cloud::Instance& instance : instances_.describe_auto_scaling_instances()) {
    const auto target = targets.find(instance.id);
    if (target == targets.end()) continue;
    target->second.ip = instance.private_ip;
    target->second.zone = instance.zone;
  }
  targets_ = std::move(targets);
}

// What AWS accepted, until the next look tells it.
void LoadBalancing::accepted(Action action, const std::string& instance_id) {
  ++changes_;
  const auto found = targets_.find(instance_id);
  if (found == targets_.end()) return;
  cloud::TargetHealth& target = found->second;
  if (action == Action::kDeregisterTargets && target.state != cloud::TargetState::kDraining) {
    target.state = cloud::TargetState::kDraining;
    target.reason = "Target.DeregistrationInProgress";
  } else if (action == Action::kRegisterTargets && target.state == cloud::TargetState::kDraining) {
    target.state = cloud::TargetState::kInitial;
    target.reason = "Elb.RegistrationInProgress";
  } else {
    return;
  }
  target.description.clear();
  target.since = env_.clock.wall();
}

void LoadBalancing::change(Action action, const std::string& instance_id, cloud::Done done) {
  if (arn_.empty()) {
    return env_.executor.post([done = std::move(done), name = options_.target_group]() mutable {
      done(fail(Reason::kUnavailable,
                fmt::format("target group {} has not been described yet", name)));
    });
  }
  client_.call(action, {{"TargetGroupArn", arn_}, {"Targets.member.1.Id", instance_id}},
               [this, alive = std::weak_ptr(alive_), action, instance_id,
                done = std::move(done)](Result<Element> answer) mutable {
                 if (!alive.lock()) return;
                 if (answer) accepted(action, instance_id);
                 poller_.soon();
                 done(answer ? Status{} : std::unexpected(answer.error()));
               });
}

void LoadBalancing::register_target(const std::string& instance_id, cloud::Done done) {
  change(Action::kRegisterTargets, instance_id, std::move(done));
}

void LoadBalancing::deregister_target(const std::string& instance_id, cloud::Done done) {
  change(Action::kDeregisterTargets, instance_id, [done = std::move(done)](Status status) mutable {
    done(ignore_not_found(std::move(status)));
  });
}

}  // namespace minato::aws_http
