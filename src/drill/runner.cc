#include "drill/runner.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::drill {
namespace {

constexpr Duration kTick = 50ms;
constexpr Duration kSilence = 5s;  // Of waiting, before it is said what for.
constexpr std::size_t kMaxEvents = 5000;
constexpr double kSlowShare = 0.01;  // Above the SLO's p99 may be so many.

const Action* find_action(const Drill& drill, Verb verb) {
  const auto found = std::ranges::find(drill.inject, verb, &Action::verb);
  return found == drill.inject.end() ? nullptr : &*found;
}

bool ends_process(Verb verb) {
  return verb == Verb::kKillProcess || verb == Verb::kExhaustMemory || verb == Verb::kCrashRepeatedly;
}

// The one that says what is hit.
const Action& aim_of(const Drill& drill) {
  const auto found = std::ranges::find_if(
      drill.inject, [](const Action& each) { return choice_of(each.verb) != Choice::kNothing; });
  return found == drill.inject.end() ? drill.inject.front() : *found;
}

}  // namespace

Duration Outcome::recovery() const {
  const auto found = at.find(Phase::kRecovered);
  return found == at.end() ? Duration{} : found->second - injected;
}

Duration Outcome::length_of(Phase phase) const {
  const auto found = at.find(phase);
  if (found == at.end()) return Duration{};
  MonoTime since = injected;
  for (const auto& [each, time] : at) {
    if (each < phase) since = std::max(since, time);
  }
  return found->second - since;
}

Slice Outcome::requests() const { return timeline.sum(injected, MonoTime::max()); }

Runner::Runner(env::Env env, World& world, RunOptions options, std::function<void(const std::string&)> say)
    : env_(std::move(env)),
      world_(world),
      options_(std::move(options)),
      say_(std::move(say)),
      self_(std::make_shared<Runner*>(this)) {
  world_.observe([self = self_](const Observation& observation) {
    if (*self != nullptr) (*self)->seen(observation);
  });
}

Runner::~Runner() { *self_ = nullptr; }

void Runner::say(const std::string& text) const {
  if (say_) say_(text);
}

void Runner::enter(Step step) {
  step_ = step;
  since_ = env_.clock.monotonic();
}

void Runner::run(Drill drill, std::function<void(Outcome)> done) {
  out_ = Outcome{};
  out_.drill = std::move(drill);
  out_.rate = options_.rate;
  done_ = std::move(done);
  has_failed_ = was_injected_ = said_waiting_ = said_unwell_ = said_crowded_ = false;
  ahead_.clear();
  for (const auto& [phase, conditions] : out_.drill.phases) ahead_.push_back(phase);
  enter(Step::kLook);
  tick();
}

void Runner::seen(const Observation& observation) {
  tracker_.see(observation);
  if (observation.subject == Subject::kControl && observation.state == "gone") {
    is_world_gone_ = true;
    return vanish();
  }
  if (step_ < Step::kWait) return;
  if (out_.events.size() < kMaxEvents) out_.events.push_back(observation);
  if (step_ != Step::kWait) return;
  crash_again(observation);
  advance(observation.at);
}

// A victim that runs again ends again, as often as the drill says.
void Runner::crash_again(const Observation& seen) {
  if (crashes_left_ == 0 || seen.subject != Subject::kPod || !out_.victims.pods.contains(seen.name)) return;
  const bool runs = seen.state == "started" || seen.state == "ready";
  if (!runs || seen.count <= restarts_seen_) return;
  restarts_seen_ = seen.count;
  --crashes_left_;
  world_.act({Verb::kKillProcess, seen.name, 0}, [](const Status&) {});
}

void Runner::tick() {
  timer_ = env_.executor.after(kTick, [this] { tick(); });
  switch (step_) {
    case Step::kIdle: timer_.cancel(); return;
    case Step::kLook: return look();
    case Step::kWarmUp: return warm_up();
    case Step::kWait: return follow();
    case Step::kHold: return hold();
    case Step::kMend: return;
    case Step::kRest: return rest();
  }
}

void Runner::look() {
  if (is_world_gone_) return vanish();
  std::string why_not = "nothing was seen of it";
  if (tracker_.is_steady(why_not)) {
    if (!is_calm() || !is_spread()) return;
    out_.begun = env_.clock.monotonic();
    if (const Status status = world_.set_load(options_.rate, options_.path); !status) {
      out_.was_refused = true;
      return give_up(status.error());
    }
    warm_up_ = options_.warm_up + env_.rng.between(Duration{}, options_.jitter);
    return enter(Step::kWarmUp);
  }
  const Duration waited = env_.clock.monotonic() - since_;
  if (waited >= kSilence && !std::exchange(said_unwell_, true)) {
    say(fmt::format("waiting until the service is well, {} at most: {}", format_duration(options_.patience), why_not));
  }
  if (waited < options_.patience) return;
  out_.was_refused = true;
  give_up({Reason::kConflict, "the service is not well before the drill: " + why_not});
}

// Whether no restart of before would lengthen what is measured.
bool Runner::is_calm() {
  if (!ends_process(aim_of(out_.drill).verb)) return true;
  const MonoTime since = tracker_.calmest_pod_since();
  const MonoTime now = env_.clock.monotonic();
  if (since == MonoTime::min() || now - since > options_.restart_memory) return true;
  if (!std::exchange(said_waiting_, true)) {
    say(fmt::format("waiting for {} until a Pod's last restart is forgotten: its back-off would be measured too",
                    format_duration(std::chrono::ceil<std::chrono::seconds>(options_.restart_memory - (now - since)))));
  }
  return false;
}

// Not for ever: a zone may be without room, or nobody there who moves Nodes and Pods.
bool Runner::is_spread() {
  const Choice choice = choice_of(aim_of(out_.drill).verb);
  const bool hits_many = choice == Choice::kNode || choice == Choice::kSpot || choice == Choice::kZone;
  if (!hits_many || env_.clock.monotonic() - since_ >= options_.spread_patience) return true;
  const std::string crowding = tracker_.crowding(options_.zones);
  if (!crowding.empty() && !std::exchange(said_crowded_, true)) {
    say(fmt::format("waiting until zones are even again, {} at most: {}", format_duration(options_.spread_patience), crowding));
  }
  return crowding.empty();
}

void Runner::warm_up() {
  const MonoTime now = env_.clock.monotonic();
  if (now - since_ < warm_up_) return;
  const Slice sent = world_.timeline().sum(since_, now);
  if (sent.failures() == 0 && sent.ok > 0) return inject();
  out_.was_refused = true;
  give_up({Reason::kConflict, fmt::format("requests fail before the drill already: {} of {}", sent.failures(), sent.sent)});
}

void Runner::inject() {
  auto victims = tracker_.choose(aim_of(out_.drill));
  if (!victims) {
    out_.was_refused = true;
    return give_up(victims.error());
  }
  out_.victims = *victims;
  tracker_.begin(std::move(*victims));
  out_.before = tracker_.before();
  for (const Subject subject : {Subject::kPod, Subject::kNode, Subject::kInstance, Subject::kTarget, Subject::kRole}) {
    for (const Observation* each : tracker_.all(subject)) out_.events.push_back(*each);
  }
  std::string targets;
  for (const std::string& target : out_.victims.targets) targets += (targets.empty() ? "" : ", ") + target;
  for (const Action& each : out_.drill.inject) {
    const bool is_aimed = choice_of(each.verb) != Choice::kNothing;
    say(fmt::format("{}{}", to_string(each.verb), is_aimed ? " " + targets : ""));
  }
  was_injected_ = true;
  const Action* crashes = find_action(out_.drill, Verb::kCrashRepeatedly);
  crashes_left_ = crashes == nullptr ? 0 : crashes->count - 1;
  for (const std::string& name : out_.victims.pods) {
    const Observation* pod = tracker_.find(Subject::kPod, name);
    restarts_seen_ = pod == nullptr ? 0 : pod->count;
  }
  enter(Step::kWait);
  out_.injected = since_;
  perform_all(out_.drill.inject, [this](const Status& status) { acted(status); });
}

void Runner::acted(const Status& status) {
  if (!status && step_ == Step::kWait) give_up(status.error());
}

// Every victim of the action; `done` with the first failure, or after the last.
void Runner::perform(const Action& action, Done done) {
  if (action.verb == Verb::kMultiplyLoad) {
    const Status status = world_.set_load(options_.rate * action.count, action.path.empty() ? options_.path : action.path);
    return env_.executor.post([self = self_, status, done] {
      if (*self != nullptr) done(status);
    });
  }
  std::vector<std::string> targets = {""};
  const Choice choice = choice_of(action.verb);
  if (choice == Choice::kRole) targets = {action.role};
  else if (choice != Choice::kNothing) targets = out_.victims.targets;
  const Verb verb = action.verb == Verb::kCrashRepeatedly ? Verb::kKillProcess : action.verb;
  auto left = std::make_shared<std::size_t>(targets.size());
  for (const std::string& target : targets) {
    world_.act({verb, target, action.count}, [self = self_, left, done](const Status& status) {
      if (*self == nullptr || *left == 0) return;
      *left = status ? *left - 1 : 0;
      if (*left == 0) done(status);
    });
  }
}

// One after the other, all of them; `done` with the first failure.
void Runner::perform_all(std::vector<Action> actions, Done done) {
  const Action first = std::move(actions.front());
  actions.erase(actions.begin());
  perform(first, [this, actions = std::move(actions), done = std::move(done)](const Status& status) {
    if (actions.empty()) return done(status);
    perform_all(actions, [status, done](const Status& later) { done(status ? later : status); });
  });
}

void Runner::advance(MonoTime at) {
  if (crashes_left_ > 0 && ahead_.size() < out_.drill.phases.size()) return;
  while (!ahead_.empty()) {
    const auto& conditions = out_.drill.phases.at(ahead_.front());
    if (!std::ranges::all_of(conditions, [&](const Condition& each) { return tracker_.holds(each); })) return;
    // A phase may be seen late: it is never before the failure, nor before the phase ahead of it.
    MonoTime when = std::max(at, out_.injected);
    for (const auto& [phase, time] : out_.at) when = std::max(when, time);
    out_.at[ahead_.front()] = when;
    say(fmt::format("{} after {:.1f} s", to_string(ahead_.front()),
                    to_seconds(when - out_.injected)));
    ahead_.erase(ahead_.begin());
  }
}

void Runner::follow() {
  const MonoTime now = env_.clock.monotonic();
  advance(now);
  if (ahead_.empty()) return enter(Step::kHold);
  if (is_guard_crossed() || now - out_.injected < options_.limit) return;
  give_up({Reason::kTimeout, why_not_seen()});
}

std::string Runner::why_not_seen() const {
  const auto& conditions = out_.drill.phases.at(ahead_.front());
  const bool grows = std::ranges::find(conditions, Seen::kReplicasRaised, &Condition::seen) != conditions.end();
  if (grows && find_action(out_.drill, Verb::kMultiplyLoad) != nullptr) {
    return fmt::format("within {} the load did not ask for more replicas: send more (--rate)", format_duration(options_.limit));
  }
  return fmt::format("'{}' was not seen within {}", to_string(ahead_.front()), format_duration(options_.limit));
}

// Gives up where nearly nothing is answered.
bool Runner::is_guard_crossed() {
  const MonoTime now = env_.clock.monotonic();
  if (now - out_.injected < options_.guard_time) return false;
  const Slice last = world_.timeline().sum(now - options_.guard_time, now);
  if (last.sent == 0 || 100.0 * last.failures() <= 1.0 * options_.guard_percent * last.sent) return false;
  std::string message = fmt::format("more than {}% of the requests failed for {}", options_.guard_percent,
                                    format_duration(options_.guard_time));
  const Action* load = find_action(out_.drill, Verb::kMultiplyLoad);
  if (load != nullptr && !load->path.empty() && last.failed[static_cast<std::size_t>(Cause::kStatus4xx)] * 2 > last.sent) {
    message += fmt::format(": this drill needs a service that has {}, as examples/hello does; or one of your own with "
                           "another path (--file)", load->path);
  }
  give_up({Reason::kAborted, std::move(message)});
  return true;
}

// What is broken stays so meanwhile: more load, a lost zone.
void Runner::hold() {
  const MonoTime now = env_.clock.monotonic();
  if (is_guard_crossed()) return;
  if (find_recovery() || now - since_ > options_.hold + options_.patience) mend();
}

void Runner::mend() {
  enter(Step::kMend);
  if (out_.drill.mend.empty()) {
    out_.mended = since_;
    return enter(Step::kRest);
  }
  for (const Action& each : out_.drill.mend) say(fmt::format("mend: {}", to_string(each.verb)));
  perform_all(out_.drill.mend, [this](const Status& status) {
    out_.mended = env_.clock.monotonic();
    if (!status && out_.status) out_.status = wrap("mending", status.error());
    if (step_ == Step::kMend) enter(Step::kRest);
  });
}

// Load goes on until all is at rest, and for a while after it was mended: what a drill costs may come
// late.
void Runner::rest() {
  const MonoTime now = env_.clock.monotonic();
  if (!out_.drill.mend.empty() && now - since_ < options_.hold) return;
  std::string why_not;
  if (tracker_.is_steady(why_not)) return finish();
  if (now - since_ < options_.patience) return;
  if (out_.status) out_.status = fail(Reason::kTimeout, "the world does not come to rest: " + why_not);
  finish();
}

// The first instant from which on the SLO was kept for `hold`.
bool Runner::find_recovery() {
  const Timeline& timeline = world_.timeline();
  const MonoTime from = out_.at.empty() ? out_.injected : out_.at.rbegin()->second;
  const MonoTime now = env_.clock.monotonic();
  const double budget = 1 - options_.availability_percent / 100;
  MonoTime bad_until = from;
  for (MonoTime start = from; start + options_.hold <= now; start += Timeline::kSlice) {
    const Slice window = timeline.sum(start, start + options_.hold);
    if (window.in_flight() > 0) return false;  // Not known yet.
    if (window.failures() <= budget * window.sent && window.slow <= kSlowShare * window.sent) {
      out_.at[Phase::kRecovered] = bad_until;
      return true;
    }
    bad_until = start + Timeline::kSlice;
  }
  return false;
}

void Runner::abort(const std::string& why) {
  if (step_ == Step::kIdle || has_failed_) return;
  give_up({Reason::kAborted, why});
}

void Runner::give_up(Error error) {
  say(error.message);
  has_failed_ = true;
  if (out_.status) out_.status = std::unexpected(std::move(error));
  if (!was_injected_) return finish();
  if (step_ == Step::kWait || step_ == Step::kHold) mend();
}

// Nothing is left that could be mended or waited for.
void Runner::vanish() {
  if (step_ == Step::kIdle || out_.is_world_gone) return;
  out_.is_world_gone = true;
  has_failed_ = true;
  out_.status = fail(Reason::kUnavailable, "the service is not up any more: it went down during the drill");
  say(out_.status.error().message);
  finish();
}

void Runner::finish() {
  world_.stop_load();
  out_.timeline = world_.timeline();
  out_.latency = world_.latency();
  out_.ended = env_.clock.monotonic();
  enter(Step::kIdle);
  timer_ = env_.executor.after(0s, [this] {
    if (auto done = std::exchange(done_, nullptr)) done(std::move(out_));
  });
}

}  // namespace minato::drill
