#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <set>

#include "base/strings.h"

namespace minato::sim {
namespace {

std::vector<std::string> names(Scale scale) {
  std::vector<std::string> out;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.scale == scale) out.push_back(scenario.name);
  }
  return out;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string out;
  for (const char c : info.param) out += c == '-' ? '_' : c;
  return out;
}

void play_twice(const std::string& name, std::uint64_t seed) {
  const Scenario* scenario = find_scenario(name);
  ASSERT_NE(scenario, nullptr);
  const ScenarioReport first = run_scenario(*scenario, {.seed = seed});
  EXPECT_EQ(first.failures, std::vector<std::string>{}) << scenario->expected << "\n" << join(first.facts, "\n");
  EXPECT_EQ(first.requests.sent, first.requests.ok + first.requests.failed() + first.requests.in_flight());
  const ScenarioReport second = run_scenario(*scenario, {.seed = seed});
  EXPECT_EQ(first.trace_hash, second.trace_hash) << "one seed gave two traces";
  EXPECT_EQ(first.requests.ok, second.requests.ok);
  EXPECT_EQ(first.requests.failed(), second.requests.failed());
}

class ScenarioTest : public testing::TestWithParam<std::string> {};
TEST_P(ScenarioTest, EndsAsExpectedAndTheSameTwice) { play_twice(GetParam(), 1); }
INSTANTIATE_TEST_SUITE_P(Small, ScenarioTest, testing::ValuesIn(names(Scale::kSmall)), test_name);

class LargeScenarioTest : public testing::TestWithParam<std::string> {};
TEST_P(LargeScenarioTest, EndsAsExpected) {
  const ScenarioReport report = run_scenario(*find_scenario(GetParam()), {.seed = 1});
  EXPECT_EQ(report.failures, std::vector<std::string>{});
}
INSTANTIATE_TEST_SUITE_P(Large, LargeScenarioTest, testing::ValuesIn(names(Scale::kLarge)), test_name);

TEST(ScenariosTest, NumbersAndNamesAreUnique) {
  std::set<int> numbers;
  std::set<std::string> names;
  for (const Scenario& scenario : scenarios()) {
    EXPECT_TRUE(numbers.insert(scenario.number).second) << scenario.number;
    EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
  }
}

TEST(ScenariosTest, EveryNumberOfTheCatalogueIsPlayed) {
  std::set<int> numbers;
  for (const Scenario& scenario : scenarios()) numbers.insert(scenario.number);
  for (int number = 1; number <= 43; ++number) EXPECT_TRUE(numbers.contains(number)) << number;
}

}  // namespace
}  // namespace minato::sim
