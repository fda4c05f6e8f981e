// The test program is its own shim, and enters namespaces of its own.
#include <gtest/gtest.h>

#include <string_view>

#include "linux_container/shim.h"
#include "linux_container/testing/world.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "shim") {
    return minato::linux_container::run_shim(argc - 2, argv + 2);
  }
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  return minato::linux_container::run_isolated([] { return RUN_ALL_TESTS(); });
}
