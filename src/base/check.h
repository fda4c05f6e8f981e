// CHECK: a broken invariant of our own code stops the process in every build type, with the place
// and a message. Never for input, files, network or clocks: those fail with a Result.
#pragma once

#include <fmt/format.h>

#include <string>

namespace minato {

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);

}  // namespace minato

#define CHECK(condition, ...)                                                               \
  do {                                                                                      \
    if (!(condition)) [[unlikely]]                                                          \
      ::minato::check_failed(__FILE__, __LINE__, #condition, fmt::format("" __VA_ARGS__));  \
  } while (false)
