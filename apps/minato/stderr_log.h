// The log of processes that run without people: lines on standard error, with time and level.
#pragma once

#include <fmt/format.h>

#include <cstdio>

#include "base/time.h"
#include "env/env.h"

namespace minato::app {

class StderrLog final : public env::Log {
 public:
  explicit StderrLog(const env::Clock& clock) : clock_(clock) {}
  void write(env::Level level, std::string_view component, std::string_view message) override {
    if (level == env::Level::kDebug) return;
    constexpr std::string_view kLetters[] = {"D", "I", "W", "E"};
    fmt::print(stderr, "{} {} {}: {}\n", kLetters[static_cast<std::size_t>(level)],
               format_rfc3339(clock_.wall(), TimePrecision::kMicroseconds), component, message);
  }

 private:
  const env::Clock& clock_;
};

}  // namespace minato::app
