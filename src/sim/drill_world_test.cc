#include "sim/drill_world.h"

#include <gtest/gtest.h>

#include "drill/report.h"

namespace minato::sim {
namespace {

constexpr const char* kFile = R"(service: hello
image: oci:hello:v1
port: 8080
replicas: {min: 6, max: 12}
startup: 10s
stop: {drain: 5s, timeout: 10s}
nodes:
  scaling: {types: [m6i.large], min: 4, max: 8, spot: 100%}
)";

DrillSetup setup() {
  auto spec = spec::read({{.name = "minato.yaml", .text = kFile}});
  EXPECT_TRUE(spec) << spec.error().message;
  DrillSetup out;
  out.spec = std::move(spec).value_or(spec::Spec{});
  out.options.rate = 200;  // Four times as much needs more Pods.
  out.calibration = drill::default_calibration(out.profile);
  return out;
}

class SimDrillTest : public testing::TestWithParam<const char*> {};

TEST_P(SimDrillTest, RecoversWithinItsBound) {
  const DrillSetup how = setup();
  const auto bounds = bounds::compute(how.spec, how.profile);
  const drill::Drill drill = *drill::find_drill(GetParam());
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    drill::Outcome out = run_drill(how, drill, seed);
    ASSERT_TRUE(out.status) << "seed " << seed << ": " << out.status.error().message;
    ASSERT_FALSE(out.was_refused) << "seed " << seed;
    const drill::Row row = drill::judge({std::move(out)}, *bounds::find(bounds, drill.bound), {});
    EXPECT_TRUE(row.passed()) << "seed " << seed << ": " << (row.faults.empty() ? "" : row.faults.front());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SimDrillTest,
                         testing::Values("process-crash", "pod-deleted", "node-killed", "spot-interruption", "zone-lost",
                                         "bad-release", "node-drained", "control-killed", "failing-readiness",
                                         "load-step", "registry-unreachable"));

TEST(SimDrillWorldTest, SameSeedSameOutcome) {
  const DrillSetup how = setup();
  const drill::Drill drill = *drill::find_drill("node-killed");
  const drill::Outcome one = run_drill(how, drill, 7), other = run_drill(how, drill, 7);
  EXPECT_EQ(one.recovery(), other.recovery());
  EXPECT_EQ(one.events.size(), other.events.size());
}

}  // namespace
}  // namespace minato::sim
