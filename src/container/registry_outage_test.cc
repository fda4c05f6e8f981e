#include "container/registry_outage.h"

#include <gtest/gtest.h>

namespace minato::container {
namespace {

TEST(RegistryOutageTest, LastsFromTheFirstRefusal) {
  RegistryOutage outage;
  EXPECT_TRUE(outage.reach("v1", MonoTime{1s}));
  outage.begin(10s);
  EXPECT_TRUE(failed_with(outage.reach("v1", MonoTime{60s}), Reason::kUnavailable));
  EXPECT_FALSE(outage.reach("v1", MonoTime{69s}));
  EXPECT_TRUE(outage.reach("v1", MonoTime{70s}));
  EXPECT_TRUE(outage.reach("v1", MonoTime{71s}));
}

TEST(RegistryOutageTest, EndsWhenItIsEndedAndMayBeginAgain) {
  RegistryOutage outage;
  outage.begin(10s);
  EXPECT_FALSE(outage.reach("v1", MonoTime{1s}));
  outage.end();
  EXPECT_TRUE(outage.reach("v1", MonoTime{2s}));
  outage.begin(10s);
  EXPECT_FALSE(outage.reach("v1", MonoTime{50s}));
}

}  // namespace
}  // namespace minato::container
