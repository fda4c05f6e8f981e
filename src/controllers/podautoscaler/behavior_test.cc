// Windows, policies and limits, with the numbers of upstream's horizontal_test.go and its guide.
#include "controllers/podautoscaler/behavior.h"

#include <gtest/gtest.h>

namespace minato::controllers {
namespace {

constexpr MonoTime kNow{10h};

using Policies = std::vector<kube::HPAScalingPolicy>;

kube::HPAScalingPolicy pods(std::int32_t value, std::int32_t period = 60) {
  return {.type = "Pods", .value = value, .period_seconds = period};
}
kube::HPAScalingPolicy percent(std::int32_t value, std::int32_t period = 60) {
  return {.type = "Percent", .value = value, .period_seconds = period};
}
kube::HPAScalingRules rules(Policies policies, std::int32_t window = 0,
                            const std::string& select = "Max") {
  return {.stabilization_window_seconds = window,
          .select_policy = select,
          .policies = std::move(policies)};
}
kube::HorizontalPodAutoscalerBehavior behavior(kube::HPAScalingRules up,
                                               kube::HPAScalingRules down) {
  kube::HorizontalPodAutoscalerBehavior out;
  out.scale_up = std::move(up);
  out.scale_down = std::move(down);
  return out;
}

DecisionInput input(std::int32_t current, std::int32_t proposed) {
  return {.min_replicas = 1,
          .max_replicas = 1000,
          .current_replicas = current,
          .proposed_replicas = proposed,
          .now = kNow};
}

ScaleHistory recommended(const std::vector<std::pair<std::int32_t, Duration>>& ago) {
  ScaleHistory out;
  for (const auto& [replicas, age] : ago) out.recommendations.push_back({replicas, kNow - age});
  return out;
}

TEST(StabilizationTest, TheHighestRecentRecommendationHolds) {  // 68
  struct Case {
    std::vector<std::pair<std::int32_t, Duration>> logged;
    std::int32_t proposed, expected;
  };
  const std::vector<Case> cases{
      {{}, 3, 3},
      {{{4, 1min}, {5, 2min}}, 3, 5},
      {{{1, 1min}, {2, 2min}}, 3, 3},
      {{{10, 10min}, {9, 10min}}, 3, 3},
      {{{10, 10min}, {4, 1min}, {5, 2min}, {9, 10min}}, 3, 5},
      {{{9, 5min}}, 3, 9},  // At the very edge.
      {{{9, 5min + 1ns}}, 3, 3},
  };
  for (const Case& each : cases) {
    const Decision found = decide(input(6, each.proposed), recommended(each.logged));
    EXPECT_EQ(found.stabilized_replicas, each.expected);
    EXPECT_EQ(found.able_reason,
              each.proposed == each.expected ? "ReadyForNewScale" : "ScaleDownStabilized");
  }
}

TEST(StabilizationTest, ForgetsWhatNoWindowHolds) {
  ScaleHistory history = recommended({{10, 10min}, {4, 1min}, {9, 10min}});
  record_recommendation(history, input(6, 3));
  ASSERT_EQ(history.recommendations.size(), 2u);
  EXPECT_EQ(history.recommendations.front().replicas, 4);
  EXPECT_EQ(history.recommendations.back().replicas, 3);
}

TEST(StabilizationTest, TheFirstRecommendationIsWhatThereIs) {
  ScaleHistory history;
  record_initial(history, 7, kNow - 1min);
  record_initial(history, 3, kNow);
  ASSERT_EQ(history.recommendations.size(), 1u);
  EXPECT_EQ(decide(input(7, 2), history).desired_replicas, 7);
}

TEST(StabilizationTest, MemoryIsBounded) {
  ScaleHistory history;
  const auto how = behavior(rules({pods(1, 1800)}), rules({pods(1, 1800)}, 3600));
  DecisionInput in = input(5, 5);
  in.behavior = &how;
  for (int i = 0; i < 10'000; ++i) {
    in.now += 100ms;
    record_recommendation(history, in);
    record_rescale(history, in, i % 2 == 0 ? 6 : 4);
  }
  EXPECT_EQ(history.recommendations.size(), kMaxRecommendations);
  EXPECT_EQ(history.ups.size(), kMaxScaleEvents);
  EXPECT_EQ(history.downs.size(), kMaxScaleEvents);
  EXPECT_EQ(history.ups.back().at + 100ms, in.now);
}

TEST(StabilizationTest, EachDirectionHasItsWindow) {
  struct Case {
    const char* name;
    std::int32_t up_window, down_window, current, proposed;
    std::vector<std::pair<std::int32_t, Duration>> logged;
    std::int32_t expected;
    std::string_view reason;
  };
  const std::vector<Case> cases{
      {"no windows: as asked", 0, 0, 100, 5, {{4, 1s}, {10, 1s}}, 5, "ReadyForNewScale"},
      {"down: the highest", 0, 300, 100, 5, {{4, 5min}, {10, 1min}}, 10, "ScaleDownStabilized"},
      {"down: too old", 0, 300, 100, 5, {{50, 5min}}, 5, "ReadyForNewScale"},
      {"up: the lowest", 300, 0, 2, 8, {{4, 1min}, {6, 2min}}, 4, "ScaleUpStabilized"},
      {"up: not below the present", 300, 0, 5, 8, {{4, 1min}}, 5, "ScaleUpStabilized"},
      {"both: between", 300, 300, 5, 6, {{3, 1min}, {9, 1min}}, 5, "ScaleUpStabilized"},
      {"both: raised to the lowest", 300, 300, 1, 6, {{3, 1min}, {9, 1min}}, 3,
       "ScaleUpStabilized"},
      {"both: lowered to the highest", 300, 300, 20, 6, {{3, 1min}, {9, 1min}}, 9,
       "ScaleDownStabilized"},
  };
  for (const Case& each : cases) {
    const auto how = behavior(rules({percent(1000)}, each.up_window),
                              rules({percent(100)}, each.down_window));
    DecisionInput in = input(each.current, each.proposed);
    in.behavior = &how;
    const Decision found = decide(in, recommended(each.logged));
    EXPECT_EQ(found.stabilized_replicas, each.expected) << each.name;
    EXPECT_EQ(found.able_reason, each.reason) << each.name;
  }
}

TEST(StabilizationTest, AnOpenWindowIsTheControllers) {
  auto how = behavior(rules({percent(100)}), rules({percent(100)}));
  how.scale_down->stabilization_window_seconds.reset();
  DecisionInput in = input(10, 2);
  in.behavior = &how;
  in.downscale_stabilization = 2min;
  EXPECT_EQ(decide(in, recommended({{9, 1min}, {10, 3min}})).desired_replicas, 9);
}

TEST(LimitTest, WithoutBehavior) {
  struct Case {
    const char* name;
    std::int32_t current, proposed, least, most, expected;
    bool limited;
    std::string_view reason;
  };
  const std::vector<Case> cases{
      {"within", 3, 5, 1, 10, 5, false, "DesiredWithinRange"},
      {"at most twice", 7, 20, 1, 100, 14, true, "ScaleUpLimit"},
      {"at least four", 1, 20, 1, 100, 4, true, "ScaleUpLimit"},
      {"maximum", 7, 20, 1, 10, 10, true, "TooManyReplicas"},
      {"maximum is the limit", 5, 20, 1, 10, 10, true, "TooManyReplicas"},
      {"minimum", 7, 1, 3, 10, 3, true, "TooFewReplicas"},
      {"nothing wanted", 7, 0, 1, 10, 1, true, "TooFewReplicas"},
  };
  for (const Case& each : cases) {
    DecisionInput in = input(each.current, each.proposed);
    in.min_replicas = each.least;
    in.max_replicas = each.most;
    const Decision found = decide(in, {});
    EXPECT_EQ(found.desired_replicas, each.expected) << each.name;
    EXPECT_EQ(found.limited, each.limited) << each.name;
    EXPECT_EQ(found.limit_reason, each.reason) << each.name;
  }
}

TEST(LimitTest, PoliciesOfEitherDirection) {
  struct Case {
    const char* name;
    kube::HPAScalingRules rules;
    std::int32_t current, proposed, expected;
    std::string_view reason;
  };
  const std::vector<Case> cases{
      {"up Pods", rules({pods(5)}), 10, 50, 15, "ScaleUpLimit"},
      {"up Percent rounded up", rules({percent(10)}), 11, 50, 13, "ScaleUpLimit"},
      {"up of one", rules({percent(1)}), 1, 50, 2, "ScaleUpLimit"},
      {"up Max", rules({pods(5), percent(100)}), 10, 50, 20, "ScaleUpLimit"},
      {"up Min", rules({pods(5), percent(100)}, 0, "Min"), 10, 50, 15, "ScaleUpLimit"},
      {"up Disabled", rules({pods(5)}, 0, "Disabled"), 10, 50, 10, "ScaleUpLimit"},
      {"up within", rules({pods(5)}), 10, 12, 12, "DesiredWithinRange"},
      {"up to the maximum", rules({pods(2000)}), 10, 1200, 1000, "TooManyReplicas"},
      {"down Pods", rules({pods(5)}), 50, 10, 45, "ScaleDownLimit"},
      {"down Percent rounded down", rules({percent(10)}), 72, 10, 64, "ScaleDownLimit"},
      {"down of one", rules({percent(1)}), 3, 1, 2, "ScaleDownLimit"},
      {"down Max", rules({pods(5), percent(50)}), 50, 10, 25, "ScaleDownLimit"},
      {"down Min", rules({pods(5), percent(50)}, 0, "Min"), 50, 10, 45, "ScaleDownLimit"},
      {"down Disabled", rules({pods(5)}, 0, "Disabled"), 50, 10, 50, "ScaleDownLimit"},
      {"down to the minimum", rules({pods(50)}), 10, 0, 1, "TooFewReplicas"},
  };
  for (const Case& each : cases) {
    const auto how = behavior(each.rules, each.rules);
    DecisionInput in = input(each.current, each.proposed);
    in.behavior = &how;
    const Decision found = decide(in, {});
    EXPECT_EQ(found.desired_replicas, each.expected) << each.name;
    EXPECT_EQ(found.limit_reason, each.reason) << each.name;
    EXPECT_EQ(found.limited, found.desired_replicas != found.stabilized_replicas) << each.name;
  }
}

TEST(LimitTest, WhatWasDoneWithinThePeriodCounts) {
  const auto how = behavior(rules({pods(5)}), rules({pods(5)}));
  DecisionInput in = input(13, 50);
  in.behavior = &how;
  ScaleHistory history;
  history.ups = {{4, kNow - 60s}, {3, kNow - 59s}};  // The first is no longer in the period.
  EXPECT_EQ(decide(in, history).desired_replicas, 15);  // From 10 at its start.
  history.downs = {{2, kNow - 30s}};
  EXPECT_EQ(decide(in, history).desired_replicas, 17);  // From 12.
  history.ups = {{30, kNow - 10s}};
  history.downs = {};
  EXPECT_EQ(decide(in, history).desired_replicas, 13);  // Spent: no further, but not back either.
  in.proposed_replicas = 1;
  history.downs = {{30, kNow - 10s}};
  history.ups = {};
  EXPECT_EQ(decide(in, history).desired_replicas, 13);
}

// The example of the documentation: by a tenth while that is more, then by four.
TEST(LimitTest, EightyReplicasGoDownAsDocumented) {  // 69
  const auto how = behavior(rules({pods(4)}), rules({pods(4), percent(10)}));
  ScaleHistory history;
  std::vector<std::int32_t> steps;
  std::int32_t current = 80;
  DecisionInput in = input(80, 10);
  in.behavior = &how;
  while (current > 10) {
    in.current_replicas = current;
    const Decision found = decide(in, history);
    record_recommendation(history, in);
    record_rescale(history, in, found.desired_replicas);
    current = found.desired_replicas;
    steps.push_back(current);
    in.now += 1min;
  }
  EXPECT_EQ(steps, (std::vector<std::int32_t>{72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12,
                                              10}));
}

TEST(LimitTest, AMissingDirectionHasTheDefaults) {
  kube::HorizontalPodAutoscalerBehavior how;
  DecisionInput in = input(10, 50);
  in.behavior = &how;
  EXPECT_EQ(decide(in, {}).desired_replicas, 20);
  in.current_replicas = 1;
  EXPECT_EQ(decide(in, {}).desired_replicas, 5);
  in.proposed_replicas = 0;
  in.current_replicas = 10;
  EXPECT_EQ(decide(in, {}).desired_replicas, 1);
}

}  // namespace
}  // namespace minato::controllers
