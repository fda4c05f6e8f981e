// One look at the groups: what is asked, in what order, and what is made of the answers.
#include <fmt/format.h>

#include <algorithm>

#include "aws_http/auto_scaling.h"

namespace minato::aws_http {
namespace {

constexpr std::string_view kPageSize = "100";
// EC2 takes up to 200 values in a filter.
constexpr std::size_t kInstancesAtOnce = 200;
constexpr std::string_view kActivities = "50";  // The newest of a group.
constexpr std::size_t kNamesAtOnce = 100;
constexpr int kMaxThrownAway = 5;

constexpr Paging kGroupPages{"DescribeAutoScalingGroupsResult", "NextToken", "NextToken"};
constexpr Paging kInstancePages{"", "nextToken", "NextToken"};

// One after the other: `step` for every item, then `done`; the first failure ends it, and so does the
// end of whoever is `alive`.
template <class Item>
class OneByOne : public std::enable_shared_from_this<OneByOne<Item>> {
 public:
  using Step = std::function<void(const Item&, cloud::Done)>;
  OneByOne(std::weak_ptr<bool> alive, std::vector<Item> items, Step step, cloud::Done done)
      : alive_(std::move(alive)),
        items_(std::move(items)),
        step_(std::move(step)),
        done_(std::move(done)) {}

  void go_on() {
    if (!alive_.lock()) return;
    if (next_ == items_.size()) return done_({});
    step_(items_[next_++], [self = this->shared_from_this()](Status status) {
      status ? self->go_on() : self->done_(std::move(status));
    });
  }

 private:
  std::weak_ptr<bool> alive_;
  std::vector<Item> items_;
  Step step_;
  cloud::Done done_;
  std::size_t next_ = 0;
};

template <class Item>
void one_by_one(const std::shared_ptr<bool>& alive, std::vector<Item> items,
                typename OneByOne<Item>::Step step, cloud::Done done) {
  std::make_shared<OneByOne<Item>>(alive, std::move(items), std::move(step), std::move(done))->go_on();
}

template <class Item>
std::vector<std::vector<Item>> in_chunks(const std::vector<Item>& items, std::size_t size) {
  std::vector<std::vector<Item>> out;
  for (const Item& item : items) {
    if (out.empty() || out.back().size() == size) out.emplace_back();
    out.back().push_back(item);
  }
  return out;
}

std::vector<const Element*> items(const Element* result, std::string_view list) {
  return result == nullptr ? std::vector<const Element*>() : result->items_of(list, "member");
}

// Failed in a zone whatever the type: the mixed group tried each.
bool is_of_every_type(const cloud::Activity& activity) {
  return activity.status == "Failed" && activity.type.empty() && !activity.zone.empty() &&
         activity.status_message.starts_with("InsufficientInstanceCapacity");
}

}  // namespace

struct AutoScaling::Look {
  cloud::Done done;
  std::uint64_t changes = 0;  // That had been made when it began.
  std::map<std::string, GroupDescription> groups;
};

cloud::Done AutoScaling::then(const LookPtr& look, void (AutoScaling::*next)(const LookPtr&)) {
  return [this, alive = std::weak_ptr(alive_), look, next](Status status) {
    if (!alive.lock()) return;
    status ? (this->*next)(look) : look->done(std::move(status));
  };
}

void AutoScaling::look(cloud::Done done) {
  look_for_groups(std::make_shared<Look>(Look{std::move(done), changes_, {}}));
}

// By name, and by tags: each a question of its own.
std::vector<Parameters> AutoScaling::questions_for_groups() const {
  std::vector<Parameters> out;
  for (const auto& names : in_chunks(options_.groups, kNamesAtOnce)) {
    add_list(out.emplace_back(), "AutoScalingGroupNames.member", names);
  }
  if (options_.tags.empty()) return out;
  Parameters& by_tags = out.emplace_back();
  for (int i = 1; const auto& [key, value] : options_.tags) {
    by_tags.emplace_back(fmt::format("Filters.member.{}.Name", i), "tag:" + key);
    by_tags.emplace_back(fmt::format("Filters.member.{}.Values.member.1", i++), value);
  }
  return out;
}

void AutoScaling::look_for_groups(const LookPtr& look) {
  const auto ask = [this, look](const Parameters& question, cloud::Done done) {
    Parameters parameters = question;
    parameters.emplace_back("MaxRecords", kPageSize);
    call_pages(client_, Action::kDescribeAutoScalingGroups, std::move(parameters), kGroupPages,
               [look](const Element& page) {
                 for (const Element* each : page.items_of("AutoScalingGroups", "member")) {
                   GroupDescription read = read_group(*each);
                   std::string name = read.group.name;
                   look->groups.insert_or_assign(std::move(name), std::move(read));
                 }
               },
               std::move(done));
  };
  one_by_one<Parameters>(alive_, questions_for_groups(), ask, then(look, &AutoScaling::look_at_instances));
}

void AutoScaling::look_at_instances(const LookPtr& look) {
  std::vector<std::string> unknown;
  for (const auto& [name, described] : look->groups) {
    for (const cloud::Instance& instance : described.instances) {
      const auto known = details_.find(instance.id);
      if (known == details_.end() || known->second.private_ip.empty()) unknown.push_back(instance.id);
    }
  }
  const auto ask = [this](const std::vector<std::string>& ids, cloud::Done done) {
    // A filter and no list of ids: one that EC2 does not know yet fails no other.
    Parameters parameters{{"Filter.1.Name", "instance-id"}, {"MaxResults", "1000"}};
    add_list(parameters, "Filter.1.Value", ids);
    call_pages(client_, Action::kDescribeInstances, std::move(parameters), kInstancePages,
               [this, alive = std::weak_ptr(alive_)](const Element& page) {
                 if (!alive.lock()) return;
                 for (auto& [id, details] : read_instances(page)) details_[id] = details;
               },
               std::move(done));
  };
  one_by_one<std::vector<std::string>>(alive_, in_chunks(unknown, kInstancesAtOnce), ask,
                                       then(look, &AutoScaling::look_at_hooks));
}

void AutoScaling::look_at_hooks(const LookPtr& look) {
  const MonoTime now = env_.clock.monotonic();
  std::vector<std::string> unknown;
  for (const auto& [name, described] : look->groups) {
    const auto known = hooks_.find(name);
    if (known == hooks_.end() || known->second.asked + options_.hooks_period <= now) {
      unknown.push_back(name);
    }
  }
  const auto ask = [this, now](const std::string& group, cloud::Done done) {
    client_.call(Action::kDescribeLifecycleHooks, {{"AutoScalingGroupName", group}},
                 [this, alive = std::weak_ptr(alive_), group, now,
                  done = std::move(done)](Result<Element> answer) mutable {
                   if (!alive.lock()) return;
                   if (!answer) return done(std::unexpected(answer.error()));
                   Hooks read{.hooks = {}, .asked = now};
                   const Element* result = answer->find("DescribeLifecycleHooksResult");
                   for (const Element* each : items(result, "LifecycleHooks")) {
                     read.hooks.push_back(read_lifecycle_hook(*each));
                   }
                   hooks_[group] = std::move(read);
                   done({});
                 });
  };
  one_by_one<std::string>(alive_, std::move(unknown), ask, then(look, &AutoScaling::look_at_activities));
}

// Of groups that are short of instances, or whose last activities were not over; and of all at first.
std::vector<std::string> AutoScaling::groups_to_ask_for_activities(const Look& look) const {
  std::vector<std::string> out;
  for (const auto& [name, described] : look.groups) {
    const auto live = std::ranges::count_if(described.instances, [](const auto& instance) {
      return !is_terminating(instance.state);
    });
    const auto known = told_.find(name);
    const bool is_open =
        known == told_.end() || std::ranges::any_of(known->second, [](const auto& told) {
          return told.activity.status == "InProgress";
        });
    if (is_open || live < described.group.desired_capacity) out.push_back(name);
  }
  return out;
}

void AutoScaling::look_at_activities(const LookPtr& look) {
  const auto ask = [this](const std::string& group, cloud::Done done) {
    client_.call(Action::kDescribeScalingActivities,
                 {{"AutoScalingGroupName", group}, {"MaxRecords", std::string(kActivities)}},
                 [this, alive = std::weak_ptr(alive_), group,
                  done = std::move(done)](Result<Element> answer) mutable {
                   if (!alive.lock()) return;
                   if (!answer) return done(std::unexpected(answer.error()));
                   std::vector<ActivityDescription> told;
                   const Element* result = answer->find("DescribeScalingActivitiesResult");
                   for (const Element* each : items(result, "Activities")) {
                     told.push_back(read_activity(*each));
                   }
                   told_[group] = std::move(told);
                   done({});
                 });
  };
  one_by_one<std::string>(alive_, groups_to_ask_for_activities(*look), ask,
                          then(look, &AutoScaling::publish));
}

void AutoScaling::publish(const LookPtr& look) {
  // A change was accepted meanwhile: what is described since is newer. Changes that never pause shall
  // not keep everything else from being seen.
  if (look->changes != changes_ && ++thrown_away_ < kMaxThrownAway) return look->done({});
  thrown_away_ = 0;
  groups_.clear();
  instances_.clear();
  for (auto& [name, described] : look->groups) {
    described.group.lifecycle_hooks = hooks_[name].hooks;
    for (cloud::Instance& instance : described.instances) {
      if (const auto known = details_.find(instance.id); known != details_.end()) {
        instance.market = known->second.market;
        instance.private_ip = known->second.private_ip;
        instance.hostname = known->second.hostname;
        instance.launch_time = known->second.launch_time;
      }
      instances_[instance.id] = instance;
    }
    groups_[name] = described.group;
  }
  const auto is_gone = [this](const auto& entry) { return !groups_.contains(entry.first); };
  std::erase_if(hooks_, is_gone);
  std::erase_if(told_, is_gone);
  std::erase_if(details_, [this](const auto& entry) { return !instances_.contains(entry.first); });
  publish_activities();
  look->done({});
}

void AutoScaling::publish_activities() {
  std::vector<ActivityDescription> all;
  for (const auto& [group, told] : told_) {
    for (const ActivityDescription& each : told) {
      if (!is_of_every_type(each.activity)) {
        all.push_back(each);
        continue;
      }
      for (const std::string& type : groups_[group].types) {
        all.push_back({.id = each.id + "/" + type, .activity = each.activity});
        all.back().activity.type = type;
      }
    }
  }
  std::ranges::stable_sort(all, {}, [](const auto& each) { return each.activity.start; });
  std::map<std::string, std::uint64_t> numbers;
  activities_.clear();
  for (ActivityDescription& each : all) {
    const auto known = numbers_.find(each.id);
    each.activity.id = known == numbers_.end() ? next_number_++ : known->second;
    numbers[each.id] = each.activity.id;
    activities_.push_back(std::move(each.activity));
  }
  numbers_ = std::move(numbers);
  std::ranges::sort(activities_, {}, &cloud::Activity::id);
}

}  // namespace minato::aws_http
