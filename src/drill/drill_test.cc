#include "drill/drill.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "drill/calibration.h"
#include "drill/file.h"
#include "drill/memory.h"
#include "drill/report.h"
#include "drill/runner.h"
#include "drill/tracker.h"
#include "env/virtual_time.h"

namespace minato::drill {
namespace {

Observation seen(Subject subject, std::string name, std::string state, std::string node = "n1", int count = 0,
                 std::string zone = "a") {
  Observation out;
  out.subject = subject;
  out.name = std::move(name);
  out.state = std::move(state);
  out.node = std::move(node);
  out.zone = std::move(zone);
  out.count = count;
  return out;
}

// A service of two Pods that does what it is told at the times that it is told.
class FakeWorld final : public World {
 public:
  explicit FakeWorld(env::VirtualTime& time) : time_(time) {}
  void observe(Sink sink) override {
    sink_ = std::move(sink);
    now(seen(Subject::kRollout, "web", "done", "", 2));
    now(seen(Subject::kPod, "web-1", "ready", "n1", restarts));
    now(seen(Subject::kPod, "web-2", "ready", "n1", restarts));
    now(seen(Subject::kNode, "n1", "ready"));
    now(seen(Subject::kTarget, "i-1", "healthy"));
  }
  void act(const Act& act, Done done) override {
    acts.push_back(std::string(to_string(act.verb)) + " " + act.target);
    time_.post([done = std::move(done)]() mutable { done({}); });
    if (!answers || act.verb != Verb::kKillProcess) return;
    is_failing = true;
    later(200ms, seen(Subject::kPod, act.target, "bound", "n1", 1), [this] { is_failing = false; });
    later(700ms, seen(Subject::kPod, act.target, "started", "n1", 1));
    later(1500ms, seen(Subject::kPod, act.target, "ready", "n1", 1));
  }
  Status set_load(double rate, const std::string&) override {
    const bool rises = rate_ > 0 && rate > rate_;
    rate_ = rate;
    if (timeline_.begun() == MonoTime{}) timeline_.begin(time_.monotonic(), 300ms);
    send();
    if (rises && answers) grow();
    return {};
  }
  void stop_load() override { timer_.cancel(); }
  const Timeline& timeline() const override { return timeline_; }
  Latency latency() const override { return {}; }

  void vanish() { now(seen(Subject::kControl, "control", "gone", "")); }
  void now(Observation observation) {
    observation.at = time_.monotonic();
    sink_(observation);
  }
  double rate() const { return rate_; }

  std::vector<std::string> acts;
  bool answers = true;
  bool is_failing = false;
  int restarts = 0;  // Of each Pod, before.

 private:
  // Twice as many Pods come, and for a second more than that answers are slow.
  void grow() {
    latency_ = 2s;
    later(1s, seen(Subject::kRollout, "web", "done", "", 4));
    later(1s, seen(Subject::kPod, "web-3", "bound"));
    later(1s, seen(Subject::kPod, "web-4", "bound"));
    later(2s, seen(Subject::kPod, "web-3", "ready"));
    later(2s, seen(Subject::kPod, "web-4", "ready"), [this] { later(1s, seen(Subject::kNode, "n1", "ready"), [this] { latency_ = 1ms; }); });
  }
  void later(Duration delay, Observation observation, std::function<void()> then = {}) {
    timers_.push_back(time_.after(delay, [this, observation, then] {
      now(observation);
      if (then) then();
    }));
  }
  void send() {
    timer_ = time_.after(Duration{static_cast<std::int64_t>(1e9 / rate_)}, [this] {
      const MonoTime due = time_.monotonic();
      timeline_.sent(due);
      if (is_failing) {
        timeline_.failed(due, Cause::kReset);
      } else {
        timeline_.ok(due, latency_);
      }
      send();
    });
  }
  env::VirtualTime& time_;
  Sink sink_;
  Timeline timeline_;
  double rate_ = 0;
  Duration latency_ = 1ms;
  env::TimerHandle timer_;
  std::vector<env::TimerHandle> timers_;
};

class RunnerTest : public testing::Test {
 protected:
  Outcome run(const Drill& drill, const std::function<void(Runner&)>& meanwhile = {}) {
    Runner runner(env::Env{time_, time_, log_, env::Rng(1)}, world_, {.rate = 100, .limit = 30s, .patience = 10s, .restart_memory = 60s});
    time_.advance(10ms);
    std::optional<Outcome> out;
    runner.run(drill, [&](Outcome outcome) { out = std::move(outcome); });
    time_.advance(5s);
    if (meanwhile) meanwhile(runner);
    time_.advance(120s);
    EXPECT_TRUE(out);
    return out ? std::move(*out) : Outcome{};
  }
  env::VirtualTime time_;
  env::NullLog log_;
  FakeWorld world_{time_};
};

TEST_F(RunnerTest, PhasesSumToTheRecovery) {
  const Outcome out = run(*find_drill("process-crash"));
  ASSERT_TRUE(out.status) << out.status.error().message;
  EXPECT_EQ(out.at.at(Phase::kDetected) - out.injected, 200ms);
  EXPECT_EQ(out.length_of(Phase::kStarted), 500ms);
  EXPECT_EQ(out.length_of(Phase::kReady), 800ms);
  Duration sum{};
  for (std::size_t i = 0; i < kPhases; ++i) sum += out.length_of(static_cast<Phase>(i));
  EXPECT_EQ(sum, out.recovery());
  EXPECT_EQ(out.recovery(), 1500ms);
  EXPECT_GE(out.requests().failures(), 19u);
  EXPECT_LE(out.requests().failures(), 21u);
}

TEST_F(RunnerTest, WhatHitsAZoneWaitsForPodsThatCrowd) {
  std::vector<std::string> said;
  Runner runner(env::Env{time_, time_, log_, env::Rng(1)}, world_, {.rate = 100, .patience = 10s, .spread_patience = 20s, .zones = {"a", "c"}},
                [&](const std::string& text) { said.push_back(text); });
  time_.advance(10ms);
  world_.now(seen(Subject::kNode, "n1", "ready", "", 0, "a"));
  world_.now(seen(Subject::kNode, "n2", "ready", "", 0, "c"));
  for (const char* name : {"web-1", "web-2"}) world_.now(seen(Subject::kPod, name, "ready", "n1", 0, "a"));
  std::optional<Outcome> out;
  runner.run(*find_drill("zone-lost"), [&](Outcome outcome) { out = std::move(outcome); });
  time_.advance(15s);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said.back(), "waiting until zones are even again, 20s at most: 2 Pods in a, 0 in c");
  EXPECT_TRUE(world_.acts.empty());
  world_.now(seen(Subject::kPod, "web-2", "ready", "n2", 0, "c"));
  time_.advance(5s);
  ASSERT_FALSE(world_.acts.empty());
  EXPECT_TRUE(world_.acts.front().starts_with("fail-zone")) << world_.acts.front();
}

TEST_F(RunnerTest, FailuresOfARowComeInDifferentPhases) {
  Runner runner(env::Env{time_, time_, log_, env::Rng(1)}, world_, {.rate = 100, .jitter = 2s, .patience = 10s});
  time_.advance(10ms);
  std::set<Duration> waits;
  for (int i = 0; i < 4; ++i) {
    runner.run(*find_drill("failing-readiness"), [&](const Outcome& out) { waits.insert(out.injected - out.begun); });
    time_.advance(6s);
    runner.abort("enough");
    time_.advance(20s);
  }
  EXPECT_GT(waits.size(), 2u);
  EXPECT_GE(*waits.begin(), 3s);
  EXPECT_LE(*waits.rbegin(), 5s + 100ms);
}

TEST_F(RunnerTest, PodThatWasRestartedIsHitWhenItsBackOffIsForgotten) {
  world_.restarts = 1;
  const MonoTime from = time_.monotonic();
  const Outcome out = run(*find_drill("crash-loop"));
  EXPECT_GT(out.injected - from, 60s);
  world_.acts.clear();
  const MonoTime again = time_.monotonic();
  const Outcome other = run(*find_drill("node-drained"));
  EXPECT_LT(other.injected - again, 5s) << "of no account to a Node";
}

TEST_F(RunnerTest, ServiceThatFailsAlreadyIsNotBroken) {
  world_.is_failing = true;
  const Outcome out = run(*find_drill("process-crash"));
  EXPECT_TRUE(out.was_refused);
  EXPECT_TRUE(failed_with(Result<int>(std::unexpected(out.status.error())), Reason::kConflict));
  EXPECT_TRUE(world_.acts.empty());
}

TEST_F(RunnerTest, WhatDoesNotComeBackEndsAtItsLimit) {
  world_.answers = false;
  const Outcome out = run(*find_drill("process-crash"));
  EXPECT_FALSE(out.status);
  EXPECT_FALSE(out.is_recovered());
}

TEST_F(RunnerTest, AbortMends) {
  world_.answers = false;
  Drill drill = *find_drill("process-crash");
  drill.mend = {{.verb = Verb::kUndrainNode}};
  const Outcome out = run(drill, [](Runner& runner) { runner.abort("interrupted"); });
  EXPECT_FALSE(out.status);
  ASSERT_EQ(world_.acts.size(), 2u);
  EXPECT_TRUE(world_.acts[1].starts_with("undrain-node"));
}

TEST_F(RunnerTest, MoreLoadIsJudgedWhileItLasts) {
  const Outcome out = run(*find_drill("load-step"));
  ASSERT_TRUE(out.status) << out.status.error().message;
  EXPECT_EQ(out.length_of(Phase::kDetected), 1s);
  EXPECT_EQ(out.length_of(Phase::kInService), 1s);
  // Slow answers break the SLO too, until a second later; the load has to be held for a while.
  EXPECT_NEAR(to_seconds(out.recovery()), 3.0, 0.11);
  EXPECT_GE(out.mended - out.at.at(Phase::kRecovered), 5s);
  EXPECT_EQ(world_.rate(), 100);
  EXPECT_EQ(out.requests().failures(), 0u);
}

TEST_F(RunnerTest, LoadThatNeedsNothingMoreSaysSo) {
  world_.answers = false;
  const Outcome out = run(*find_drill("load-step"));
  ASSERT_FALSE(out.status);
  EXPECT_NE(out.status.error().message.find("--rate"), std::string::npos) << out.status.error().message;
}

TEST_F(RunnerTest, WorldThatVanishesEndsItAtOnce) {
  world_.answers = false;
  MonoTime vanished{};
  const Outcome out = run(*find_drill("node-drained"), [&](Runner&) {
    vanished = time_.monotonic();
    world_.vanish();
  });
  EXPECT_TRUE(out.is_world_gone);
  EXPECT_FALSE(out.status);
  EXPECT_EQ(out.ended, vanished);
  EXPECT_EQ(world_.acts.size(), 1u) << "nothing is left to mend";
}

TEST_F(RunnerTest, ActionsAreDoneInOrderAndAllOfThemMended) {
  world_.answers = false;
  const Outcome out = run(*find_drill("registry-unreachable"));
  EXPECT_FALSE(out.status);
  EXPECT_EQ(world_.acts, (std::vector<std::string>{"cut-registry ", "scale-out ", "restore-registry ", "scale-in "}));
}

TEST(CatalogueTest, EveryDrillHasABoundAndAnEnd) {
  spec::Spec spec;
  spec.service = "web";
  spec.image = "v1";
  spec.port = 80;
  const auto bounds = bounds::compute(spec, cluster::kFast);
  for (const Drill& drill : catalogue()) {
    EXPECT_NE(bounds::find(bounds, drill.bound), nullptr) << drill.kind;
    EXPECT_TRUE(drill.phases.contains(Phase::kInService)) << drill.kind;
    EXPECT_FALSE(drill.protects.empty()) << drill.kind;
  }
  for (const std::string& kind : default_set()) EXPECT_TRUE(find_drill(kind)) << kind;
  EXPECT_NE(find_drill("node-kiled").error().message.find("node-killed"), std::string::npos);
}

TEST(FileTest, OwnDrillFromTheSameWords) {
  const auto drill = read_drill("own.yaml", "kind: two\ninject: crash-repeatedly\ncount: 2\n"
                                            "phases: {detected: [pod-down, pod-waiting CrashLoopBackOff], in service: [service-back]}\n"
                                            "bound: crash-loop\n");
  ASSERT_TRUE(drill) << drill.error().message;
  ASSERT_EQ(drill->inject.size(), 1u);
  EXPECT_EQ(drill->inject[0].count, 2);
  EXPECT_EQ(drill->phases.at(Phase::kDetected)[1].word, "CrashLoopBackOff");
  for (const char* bad : {"kind: a\n", "kind: a\ninject: explode\nphases: {in service: [pod-down]}\nbound: node-killed\n",
                          "kind: a\ninject: kill-node\nphases: {in service: [pod-down]}\nbound: node-killed\nnope: 1\n", "[", ""}) {
    EXPECT_TRUE(failed_with(read_drill("own.yaml", bad), Reason::kInvalid)) << bad;
  }
}

TEST(FileTest, ActionsInAListAndLoadThatEnds) {
  const auto drill = read_drill("own.yaml", "kind: grow\ninject: [cut-registry, multiply-load]\nmend: [restore-registry, multiply-load]\n"
                                            "count: 3\nphases: {in service: [service-back]}\nbound: load-step\n");
  ASSERT_TRUE(drill) << drill.error().message;
  ASSERT_EQ(drill->inject.size(), 2u);
  EXPECT_EQ(drill->inject[1].count, 3);
  ASSERT_EQ(drill->mend.size(), 2u);
  EXPECT_EQ(drill->mend[1].count, 1) << "mended, load is what it was";
  EXPECT_TRUE(failed_with(read_drill("own.yaml", "kind: a\ninject: []\nphases: {in service: [pod-down]}\nbound: node-killed\n"),
                          Reason::kInvalid));
}

TEST(MemoryTest, OnlyNewsAreNewsAndUnsaidThingsAreGone) {
  Memory memory;
  EXPECT_TRUE(memory.take(seen(Subject::kPod, "a", "ready")));
  EXPECT_FALSE(memory.take(seen(Subject::kPod, "a", "ready")));
  EXPECT_TRUE(memory.take(seen(Subject::kPod, "b", "ready")));
  memory.begin();
  EXPECT_FALSE(memory.take(seen(Subject::kPod, "a", "ready")));
  const auto missing = memory.missing({});
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].name, "b");
  EXPECT_EQ(missing[0].state, "gone");
}

TEST(CalibrationTest, NewContainersAndThoseMadeAgainApartAndBackOffIsNoPartOfThem) {
  Outcome outcome;
  const auto event = [&](Duration at, std::string name, std::string state, std::string why, int count) {
    Observation each = seen(Subject::kPod, std::move(name), std::move(state), "n1", count);
    each.at = MonoTime{at};
    each.detail = std::move(why);
    outcome.events.push_back(each);
  };
  event(1000ms, "new", "bound", "", 0);
  event(1300ms, "new", "started", "", 0);
  event(1000ms, "old", "ready", "", 0);
  event(2000ms, "old", "bound", "Error", 0);
  event(2100ms, "old", "started", "", 1);
  event(1000ms, "held", "ready", "", 1);
  event(2000ms, "held", "bound", "CrashLoopBackOff", 1);
  event(2900ms, "held", "bound", "ContainerCreating", 1);
  event(3000ms, "held", "started", "", 2);
  const Calibration found = calibrate({&outcome}, default_calibration(cluster::kFast));
  EXPECT_EQ(found.start, 300ms);
  EXPECT_EQ(found.starts, 1);
  EXPECT_EQ(found.restart, 100ms);
  EXPECT_EQ(found.restarts, 1);
  EXPECT_EQ(found.boot, default_calibration(cluster::kFast).boot);
  const auto back = read_calibration(plain_json(to_json(found)));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->restart, found.restart);
}

TEST(TrackerTest, TheCalmestPodIsHit) {
  Tracker tracker;
  for (const char* pod : {"p1", "p2", "p3"}) tracker.see(seen(Subject::kPod, pod, "ready"));
  const auto restart = [&](std::string pod, Duration at, int count) {
    Observation each = seen(Subject::kPod, std::move(pod), "ready", "n1", count);
    each.at = MonoTime{at};
    tracker.see(each);
  };
  restart("p1", 10s, 1);
  EXPECT_EQ(tracker.choose({.verb = Verb::kKillProcess})->targets.front(), "p2");
  EXPECT_EQ(tracker.calmest_pod_since(), MonoTime::min());
  restart("p2", 20s, 1);
  restart("p3", 30s, 1);
  restart("p1", 40s, 2);
  EXPECT_EQ(tracker.choose({.verb = Verb::kKillProcess})->targets.front(), "p2");
  EXPECT_EQ(tracker.calmest_pod_since(), MonoTime{20s});
}

TEST(TrackerTest, NodesCrowdToo) {
  Tracker tracker;
  for (const char* node : {"n1", "n2"}) {
    Observation each = seen(Subject::kNode, node, "ready", "", 0, "a");
    each.group = "scaling";
    tracker.see(each);
  }
  Observation other = seen(Subject::kNode, "m1", "ready", "", 0, "c");
  other.group = "master";
  tracker.see(other);
  tracker.see(seen(Subject::kPod, "p1", "ready", "n1", 0, "a"));
  EXPECT_EQ(tracker.crowding({}), "") << "no other zone is known of";
  EXPECT_EQ(tracker.crowding({"a", "c"}), "2 Nodes in a, 0 in c");
  other.group = "scaling";
  tracker.see(other);
  EXPECT_EQ(tracker.crowding({"a", "c"}), "");
}

TEST(TrackerTest, TheBusiestHealthyNodeIsHit) {
  Tracker tracker;
  for (const char* node : {"n1", "n2"}) {
    tracker.see(seen(Subject::kNode, node, "ready", node));
    tracker.see(seen(Subject::kInstance, std::string("i-") + node, "in-service", node));
    tracker.see(seen(Subject::kTarget, std::string("i-") + node, "healthy", node));
  }
  tracker.see(seen(Subject::kPod, "p1", "ready", "n1"));
  tracker.see(seen(Subject::kPod, "p2", "ready", "n2"));
  tracker.see(seen(Subject::kPod, "p3", "ready", "n2"));
  const auto victims = tracker.choose({.verb = Verb::kKillNode});
  ASSERT_TRUE(victims);
  EXPECT_EQ(victims->nodes, std::set<std::string>{"n2"});
  EXPECT_EQ(victims->pods.size(), 2u);
  EXPECT_TRUE(failed_with(tracker.choose({.verb = Verb::kInterrupt}), Reason::kNotFound));
}

TEST(TrackerTest, WhereNothingIsHitAsManyPodsHaveToComeAsAreWantedMore) {
  Tracker tracker;
  tracker.see(seen(Subject::kRollout, "web", "done", "", 1));
  tracker.see(seen(Subject::kPod, "p1", "ready"));
  tracker.see(seen(Subject::kInstance, "i-1", "in-service"));
  const auto victims = tracker.choose({.verb = Verb::kScaleOut});
  ASSERT_TRUE(victims);
  tracker.begin(*victims);
  EXPECT_FALSE(tracker.holds({Seen::kInstanceOrdered, {}}));
  tracker.see(seen(Subject::kInstance, "i-2", "pending"));
  EXPECT_TRUE(tracker.holds({Seen::kInstanceOrdered, {}}));
  EXPECT_FALSE(tracker.holds({Seen::kInstanceRunning, {}}));
  tracker.see(seen(Subject::kRollout, "web", "progressing", "", 3));
  tracker.see(seen(Subject::kPod, "p2", "started"));
  EXPECT_FALSE(tracker.holds({Seen::kPodStarted, {}}));
  tracker.see(seen(Subject::kPod, "p3", "started"));
  EXPECT_TRUE(tracker.holds({Seen::kPodStarted, {}}));
  EXPECT_FALSE(tracker.holds({Seen::kPodReady, {}}));
}

TEST(ReportTest, PodsThatCrowdAreSaidBesideTheFault) {
  Outcome run;
  run.drill = *find_drill("zone-lost");
  run.victims.pods = {"a", "b", "c", "d"};
  run.before.ready_pods = 6;
  bounds::Bound bound;
  bound.pods_hit = 3;
  const Row row = judge({run}, bound, {});
  ASSERT_EQ(row.remarks.size(), 1u);
  EXPECT_NE(row.remarks[0].find("4 of 6 Pods"), std::string::npos) << row.remarks[0];
  bound.pods_hit = 4;
  EXPECT_TRUE(judge({run}, bound, {}).remarks.empty());
}

TEST(ReportTest, JsonHasNoExponentsAndReadsBack) {
  EXPECT_EQ(plain_json(boost::json::object{{"a", 1e-5}, {"b", 2.5e9}, {"c", 0.25}, {"d", 3}}),
            R"({"a":0.00001,"b":2500000000,"c":0.25,"d":3})");
  Report report;
  Row row;
  row.outcome.drill = *find_drill("node-killed");
  row.outcome.injected = MonoTime{10s};
  row.outcome.begun = MonoTime{5s};
  row.outcome.ended = MonoTime{30s};
  row.outcome.at[Phase::kRecovered] = MonoTime{17s};
  report.rows.push_back(row);
  const auto earlier = read_earlier(plain_json(to_json(report)));
  ASSERT_TRUE(earlier);
  EXPECT_EQ(earlier->at("node-killed").recovery, 7s);
  EXPECT_TRUE(failed_with(read_earlier("{}"), Reason::kInvalid));
  const std::string page = to_html(report);
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
}

}  // namespace
}  // namespace minato::drill
