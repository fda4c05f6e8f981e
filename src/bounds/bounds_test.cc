#include "bounds/bounds.h"

#include <gtest/gtest.h>

namespace minato::bounds {
namespace {

spec::Spec hello() {
  spec::Spec spec;
  spec.service = "hello";
  spec.image = "v1";
  spec.port = 8080;
  spec.replicas = {.min = 6, .max = 12};
  spec.startup = 10s;
  spec.scaling = {.types = {"m6i.large"}, .min = 4, .max = 8};
  return spec;
}

const Bound& of(const std::vector<Bound>& bounds, const char* kind) {
  const Bound* found = find(bounds, kind);
  EXPECT_NE(found, nullptr) << kind;
  return *found;
}

TEST(BoundsTest, TermsSumToTheWholePhaseByPhase) {
  for (const cluster::Profile& profile : {cluster::kFast, cluster::kRealistic}) {
    for (const Bound& bound : compute(hello(), profile)) {
      Duration phases{};
      for (std::size_t i = 0; i < kPhases; ++i) phases += bound.length_of(static_cast<Phase>(i));
      EXPECT_EQ(phases, bound.total()) << bound.kind;
      EXPECT_GT(bound.total(), 0s) << bound.kind;
      EXPECT_FALSE(bound.dominating.empty()) << bound.kind;
    }
  }
}

TEST(BoundsTest, CrashIsBoundedByTheStartupOfTheFile) {
  spec::Spec spec = hello();
  const Duration at_10s = of(compute(spec, cluster::kFast), "process-crash").total();
  spec.startup = 30s;
  const auto bounds = compute(spec, cluster::kFast);
  EXPECT_EQ(of(bounds, "process-crash").total() - at_10s, 20s);
  EXPECT_EQ(of(bounds, "process-crash").dominating, "startup");
}

TEST(BoundsTest, HealthChecksRunAtThePaceOfTheProfile) {
  spec::Spec spec = hello();
  spec.load_balancer.health_check = {.interval = 5s, .timeout = 2s, .healthy = 2, .unhealthy = 2};
  // Realistic: 5 s × 2 + 5 s, and 45 s + 1 s until the Node is known to be silent.
  const Bound node = of(compute(spec, cluster::kRealistic), "node-killed");
  ASSERT_EQ(node.losses.size(), 2u);
  EXPECT_EQ(node.losses[0].window, 15s);
  EXPECT_EQ(node.loss_window(), 46s);
  // Fast: 1 s × 2 + 1 s; the group's check after 2 s takes the Node away.
  EXPECT_EQ(of(compute(spec, cluster::kFast), "node-killed").loss_window(), 3s);
}

TEST(BoundsTest, LossesGrowWithTheRateAndOnlyWhereNobodyWasWarned) {
  const auto bounds = compute(hello(), cluster::kFast);
  for (const char* planned : {"pod-deleted", "bad-release", "spot-interruption", "node-drained", "control-killed"}) {
    EXPECT_EQ(of(bounds, planned).failed_at(1000), 0u) << planned;
  }
  const Bound& node = of(bounds, "node-killed");
  EXPECT_GT(node.failed_at(500), node.failed_at(100));
  EXPECT_LT(node.failed_at(100), 100u * 3);
  EXPECT_GT(of(bounds, "zone-lost").failed_at(100), node.failed_at(100));
}

TEST(BoundsTest, FaultOfTheHealthPathIsNoticedWhileItLasts) {
  // 10 s, then a probe every 2 s that may take 1 s, then a decision.
  EXPECT_EQ(of(compute(hello(), cluster::kFast), "failing-readiness").total(), 13500ms);
}

TEST(BoundsTest, RegistryIsAskedAgainAfterTheLongestBackOffThatBeganWithoutIt) {
  const auto waits = [](const cluster::Profile& profile) {
    Duration out{};
    const Bound bound = of(compute(hello(), profile), "registry-unreachable");
    for (const Term& term : bound.terms) {
      if (term.setting == "profile: image_backoff") out += term.duration;
    }
    return out;
  };
  // 2 s, 4 s and 8 s begin within 10 s; 10 s, 20 s and 40 s within 50 s.
  EXPECT_EQ(waits(cluster::kFast), 8s);
  EXPECT_EQ(waits(cluster::kRealistic), 40s);
  cluster::Profile patient = cluster::kRealistic;
  patient.image_backoff_max = 30s;
  EXPECT_EQ(waits(patient), 30s);
  EXPECT_EQ(of(compute(hello(), cluster::kFast), "registry-unreachable").failed_at(1000), 0u);
}

TEST(BoundsTest, SpotInterruptionEndsWithItsNotice) {
  const Bound spot = of(compute(hello(), cluster::kRealistic), "spot-interruption");
  EXPECT_GT(spot.total(), cluster::kRealistic.spot_notice);
  EXPECT_LT(spot.total(), cluster::kRealistic.spot_notice + 90s);
}

}  // namespace
}  // namespace minato::bounds
