#include "removal/remover.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "kube/names.h"

namespace minato::removal {
namespace {

constexpr std::string_view kComponent = "removal";
constexpr Duration kTick = 1s;
// Bursts of changes to Pods and Nodes are looked at together.
constexpr Duration kGather = 100ms;
constexpr Duration kRemembered = 10min;
constexpr std::size_t kMaxRemembered = 1000;
constexpr Duration kTakenOver = 1min;

// "aws:///zone/i-0123" ends in the instance's id.
std::string instance_of(const kube::Node& node) {
  const std::string& provider_id = node.spec.provider_id;
  const std::size_t slash = provider_id.rfind('/');
  return slash == std::string::npos ? std::string() : provider_id.substr(slash + 1);
}

}  // namespace

Remover::Remover(env::Env env, kube::Client& client, informer::Informers& informers,
                 cloud::AutoScaling& auto_scaling, cloud::LoadBalancing& load_balancing,
                 Options options)
    : env_(env.fork("removal")),
      client_(client),
      auto_scaling_(auto_scaling),
      load_balancing_(load_balancing),
      options_(options),
      events_(env_.fork("events"), client, std::string(kComponent)),
      nodes_(informers.of<kube::Node>()),
      pods_(informers.of<kube::Pod>()),
      replica_sets_(informers.of<kube::ReplicaSet>()),
      alive_(std::make_shared<bool>(true)) {
  controllers::index_pods_by_node(pods_);
  controllers::index_by_controller(pods_);
  nodes_.on_change([this](const informer::Delta<kube::Node>& delta) {
    const std::string& name = delta.object().metadata.name;
    const bool has_record =
        delta.after && delta.after->metadata.annotations.contains(std::string(kAnnotationRemoval));
    if (has_record && (active_ || entries_.contains(name))) unread_.insert(name);
    if (has_record || entries_.contains(name)) wake_soon();
  });
  pods_.on_change([this](const informer::Delta<kube::Pod>&) {
    if (is_busy_) wake_soon();
  });
}

void Remover::start() {
  started_ = true;
  wake();
}

void Remover::set_active(bool active) {
  if (active_ == active) return;
  active_ = active;
  // The records on the Nodes are what counts: a new holder of the role begins with them, beside
  // what was begun here; who loses the role stops.
  groups_.clear();
  if (!active_) {
    entries_.clear();
  } else {
    for (const auto& [key, node] : nodes_.all()) {
      if (node->metadata.annotations.contains(std::string(kAnnotationRemoval))) {
        unread_.insert(key.name);
      }
    }
  }
  wake();
}

// ---- Requests.

Status Remover::check_scale_down(const Request& request) const {
  if (request.cause != Cause::kScaleDown) return {};
  const auto pods = pods_to_leave(request.node, {});
  const auto bare = std::ranges::find(pods, "", &PodView::controller);
  if (bare == pods.end()) return {};
  return fail(Reason::kForbidden,
              fmt::format("Node {} is not scaled down: pod {} has no controller that would make it "
                          "anew; delete it first",
                          request.node, bare->key.to_string()));
}

// By a clock that does not jump while something is under way: a deadline is as far off as it was
// when it was heard of, whatever becomes of the wall clock meanwhile.
WallTime Remover::now() const {
  if (entries_.empty()) wall_offset_ = env_.clock.wall().time_since_epoch() - env_.clock.monotonic().time_since_epoch();
  return WallTime{env_.clock.monotonic().time_since_epoch() + wall_offset_};
}

Status Remover::begin(Request request) {
  const auto node = nodes_.get({"", request.node});
  if (!node) return fail(Reason::kNotFound, fmt::format("nodes \"{}\" not found", request.node));
  if (request.message.size() > kMaxMessageBytes) request.message.resize(kMaxMessageBytes);
  unread_.insert(request.node);
  adopt_records();
  const auto found = entries_.find(request.node);
  const bool is_new = found == entries_.end() || found->second.record.phase == Phase::kCancelled;
  return is_new ? start_removal(*node, std::move(request)) : join_removal(found->second, request);
}

Status Remover::start_removal(const kube::Node& node, Request request) {
  RETURN_IF_ERROR(check_scale_down(request));
  Entry entry;
  entry.id = next_id_++;
  entry.node = std::make_shared<const kube::Node>(node);
  entry.instance = instance_of(node);
  entry.record.begun = entry.record.since = now();
  if (const auto before = entries_.find(request.node); before != entries_.end()) {
    // What a cancellation has not taken back yet goes over to the new removal.
    entry.record.cordoned = before->second.record.cordoned;
    entry.record.replacement = before->second.record.replacement;
    entry.order_pending = false;
  }
  events_.normal(node, "RemovalStarted",
                 fmt::format("{}: {}", to_string(request.cause), request.message));
  const std::string name = request.node;
  entry.record.request = std::move(request);
  entries_.insert_or_assign(name, std::move(entry));
  wake();
  return {};
}

Status Remover::join_removal(Entry& entry, const Request& request) {
  Record& record = entry.record;
  const bool is_ending =
      record.phase == Phase::kTerminating && record.request.after != After::kKeep;
  if (is_ending && request.after == After::kKeep) {
    return fail(Reason::kConflict,
                fmt::format("Node {} cannot be kept: its instance is terminating", request.node));
  }
  const Request before = record.request;
  join(record.request, request);
  if (record.phase == Phase::kDone && record.request.after != After::kKeep) {
    enter(entry, Phase::kEvicting, {});  // Kept so far; now its instance ends.
  }
  if (before.cause != record.request.cause || before.deadline != record.request.deadline) {
    events_.normal(*entry.node, "RemovalStarted",
                   fmt::format("{} joins {}: {}", to_string(request.cause),
                               to_string(before.cause), request.message));
  }
  wake();
  return {};
}

Status Remover::cancel(const std::string& name) {
  unread_.insert(name);
  adopt_records();
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return fail(Reason::kNotFound, fmt::format("no removal of Node {} is under way", name));
  }
  Entry& entry = found->second;
  if (entry.record.phase == Phase::kCancelled) return {};
  if (entry.record.phase == Phase::kTerminating && entry.record.request.after != After::kKeep) {
    return fail(Reason::kConflict, fmt::format("the instance of Node {} is terminating", name));
  }
  enter(entry, Phase::kCancelled, "cancelled");
  wake();
  return {};
}

Progress Remover::progress_of(const Entry& entry) {
  const Record& record = entry.record;
  std::vector<std::string> said = record.cuts;
  if (!entry.detail.empty()) said.insert(said.begin(), entry.detail);
  return {record.request, record.phase, record.begun, record.since, minato::join(said, "; ")};
}

std::vector<Progress> Remover::progress() const {
  std::map<std::string, Progress> by_node;
  const MonoTime now = env_.clock.monotonic();
  for (const Ended& ended : ended_) {
    if (now - ended.at > kRemembered) continue;
    by_node.insert_or_assign(ended.progress.request.node, ended.progress);
  }
  for (const auto& [name, entry] : entries_) by_node.insert_or_assign(name, progress_of(entry));
  std::vector<Progress> out;
  for (auto& [name, progress] : by_node) out.push_back(std::move(progress));
  return out;
}

// ---- Passes.

void Remover::wake() {
  if (!started_ || pass_posted_) return;
  pass_posted_ = true;
  env_.executor.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) pass();
  });
}

void Remover::wake_soon() {
  if (!started_ || pass_posted_ || soon_armed_) return;
  soon_armed_ = true;
  soon_ = env_.executor.after(kGather, [this] {
    soon_armed_ = false;
    wake();
  });
}

void Remover::pass() {
  pass_posted_ = false;
  is_changed_ = false;
  adopt_records();
  if (!entries_.empty()) {
    const State state = look();
    const Plan plan = decide(state);
    for (const Decision& decision : plan.removals) {
      advance(entries_.at(decision.node), decision, state);
    }
    if (active_) place_orders(plan, state);
    for (const Decision& decision : plan.removals) apply(decision, state);
  }
  while (!ended_.empty() && (ended_.size() > kMaxRemembered ||
                             env_.clock.monotonic() - ended_.front().at > kRemembered)) {
    ended_.pop_front();
  }
  is_busy_ = std::ranges::any_of(entries_, [this](const auto& each) {
    return each.second.record.phase != Phase::kDone || !is_written(each.second);
  });
  tick_ = is_busy_ ? env_.executor.after(kTick, [this] { wake(); }) : env::TimerHandle();
  if (is_changed_) wake();
}

// Records that this process does not know yet, or that another has changed.
void Remover::adopt_records() {
  for (const std::string& name : std::exchange(unread_, {})) {
    const auto node = nodes_.get({"", name});
    if (node) adopt(*node);
  }
}

void Remover::adopt(const kube::Node& node) {
  const Result<std::optional<Record>> seen = record_of(node);
  if (!seen) {
    events_.warning(node, "RemovalRecordInvalid", seen.error().message);
    return;
  }
  if (!*seen) return;
  const Record& record = **seen;
  const auto found = entries_.find(node.metadata.name);
  if (found != entries_.end()) return take(found->second, record);
  // What has ended with its instance is history.
  if (record.phase == Phase::kDone && record.request.after != After::kKeep) return;
  (void)now();  // Its clock begins while nothing is under way, also for what others have begun.
  Entry entry;
  entry.id = next_id_++;
  entry.record = record;
  entry.node = std::make_shared<const kube::Node>(node);
  entry.instance = instance_of(node);
  entries_.emplace(node.metadata.name, std::move(entry));
}

// The Node carries another record than ours: our own from before, the active one's, or an agent's.
void Remover::take(Entry& entry, const Record& seen) {
  Record& mine = entry.record;
  if (mine.phase == Phase::kCancelled) return;
  if (seen.phase == Phase::kCancelled) {
    const bool is_too_late =
        mine.phase == Phase::kTerminating && mine.request.after != After::kKeep;
    if (is_too_late) return;
    mine.was_target |= seen.was_target;
    enter(entry, Phase::kCancelled, "cancelled");
    return;
  }
  if (!active_) {
    const Record before = std::exchange(mine, seen);
    join(mine.request, before.request);
    if (is_set(mine.detached) || !is_set(before.detached)) return;
    mine.detached = before.detached;
    mine.was_target = before.was_target;
    mine.admitted = mine.admitted || before.admitted;
    mine.cordoned = mine.cordoned || before.cordoned;
    mine.phase = std::max(mine.phase, before.phase);
    return;
  }
  join(mine.request, seen.request);
  if (is_set(mine.detached) || !is_set(seen.detached)) return;
  mine.detached = seen.detached;
  mine.was_target = seen.was_target;
  mine.admitted = mine.admitted || seen.admitted;
  mine.cordoned = mine.cordoned || seen.cordoned;
  if (mine.phase == Phase::kWaiting) enter(entry, Phase::kDraining, {});
}

// ---- What a decision changes in the record.

void Remover::advance(Entry& entry, const Decision& decision, const State& state) {
  Record& record = entry.record;
  entry.detail = decision.detail;
  if (decision.admit && !record.admitted) {
    record.admitted = true;
    record.cordoned = record.cordoned || !entry.node->spec.unschedulable;
  }
  if (decision.detach && !is_set(record.detached)) {
    record.detached = state.now;
    record.was_target = std::ranges::any_of(state.targets, [&](const cloud::TargetHealth& each) {
      return each.instance_id == entry.instance && is_registered(each);
    });
  }
  // Without the role, a Node is only taken out of the load balancer.
  if (!active_ && decision.phase > Phase::kDraining) return;
  if (decision.drained && !record.drained) {
    record.drained = true;
    if (record.was_target) {
      events_.normal(*entry.node, "TargetDrained",
                     fmt::format("nothing is in flight to {}", entry.instance));
    }
  }
  if (record.replacement && !decision.replacement.empty()) {
    record.replacement->instance = decision.replacement;
    entry.replaced_by = decision.replacement;
  }
  cut(entry, decision.cuts);
  if (decision.phase != record.phase) enter(entry, decision.phase, decision.detail);
}

void Remover::cut(Entry& entry, const std::vector<std::string>& cuts) {
  for (const std::string& each : cuts) {
    const std::size_t before = entry.record.cuts.size();
    add_cut(entry.record, each);
    if (entry.record.cuts.size() == before) continue;
    const bool is_forced = entry.record.request.deadline.has_value();
    events_.warning(*entry.node, is_forced ? "DeadlineCut" : "RemovalLoss", each);
  }
}

void Remover::enter(Entry& entry, Phase phase, const std::string& detail) {
  Record& record = entry.record;
  const Phase before = std::exchange(record.phase, phase);
  record.since = now();
  entry.detail = detail;
  is_changed_ = true;
  if (phase == Phase::kCancelled) {
    events_.normal(*entry.node, "RemovalCancelled", detail);
  } else if (phase == Phase::kTerminating && before == Phase::kEvicting) {
    events_.normal(*entry.node, "PodsEvicted", "no Pod of the Node is waited for any more");
  } else if (phase == Phase::kDone) {
    const bool is_kept = record.request.after == After::kKeep;
    events_.normal(*entry.node, is_kept ? "NodeDrained" : "NodeRemoved",
                   fmt::format("{}: took {}", to_string(record.request.cause),
                               in_short(record.since - record.begun)));
  }
}

// ---- What follows from it outside.

void Remover::apply(const Decision& decision, const State& state) {
  Entry& entry = entries_.at(decision.node);
  Record& record = entry.record;
  if (active_ && decision.capacity == Capacity::kForget) record.replacement.reset();
  if (active_ && decision.capacity == Capacity::kConfirm && record.replacement) {
    record.replacement->confirmed = true;
  }
  const bool is_cancelled = record.phase == Phase::kCancelled;
  if (decision.forget_target) record.was_target = false;
  entry.marks = is_cancelled && active_ && decision.is_complete ? Marks::kFinished
                                                                 : Marks::kUnderWay;
  write_marks(entry);
  if (is_cancelled) {
    if (decision.is_rejoining) rejoin_target(entry);
  } else {
    hold_target(entry, state);
  }
  if (active_) {
    evict(entry, decision.evictions);
    end_instance(entry, decision, state);
  }
  const bool is_over = active_ ? decision.is_complete : !is_still_mine(entry);
  if (is_over && is_written(entry)) finish(decision.node);
}

void Remover::write_marks(Entry& entry) {
  const auto node = nodes_.get({"", entry.record.request.node});
  if (!node || is_written(entry) || !may_try(entry.writing)) return;
  const auto written =
      kube::update(client_, mark(*node, entry.record, entry.marks, now()));
  Status status;
  if (!written) status = std::unexpected(written.error());
  note(entry.writing, ignore_not_found(status),
       "writing the removal on Node " + node->metadata.name);
}

bool Remover::is_written(const Entry& entry) const {
  const auto node = nodes_.get({"", entry.record.request.node});
  return !node || kube::equal(*node, mark(*node, entry.record, entry.marks, now()));
}

// Without the role: until the active one has surely taken over, or there is nothing to hold.
bool Remover::is_still_mine(const Entry& entry) const {
  const Record& record = entry.record;
  if (record.phase == Phase::kCancelled) return record.was_target;
  const bool is_early = record.phase == Phase::kWaiting || record.phase == Phase::kDraining;
  return is_early && entry.node_exists && is_urgent(record, now(), options_) &&
         now() < *record.request.deadline + kTakenOver;
}

void Remover::finish(const std::string& node) {
  const auto found = entries_.find(node);
  if (active_) {
    ended_.push_back({progress_of(found->second), env_.clock.monotonic(),
                      found->second.replaced_by});
  }
  entries_.erase(found);
}

}  // namespace minato::removal
