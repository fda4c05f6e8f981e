// The test program is its own shim, and enters namespaces of its own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "linux_container/shim.h"
#include "linux_container/testing/world.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "shim") {
    const int status = minato::linux_container::run_shim(argc - 2, argv + 2);
    // Without what runs at exit: a leak check stops its own process from another one, which cannot
    // be had where children are in a new PID namespace, and then waits for ever.
    std::fflush(nullptr);
    ::_exit(status);
  }
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  return minato::linux_container::run_isolated([] { return RUN_ALL_TESTS(); });
}
