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
    // Not fmt::print, which throws when the disk is full: a line that is lost must not end us.
    const std::string line = fmt::format("{} {} {}: {}\n", kLetters[static_cast<std::size_t>(level)],
                                         format_rfc3339(clock_.wall(), TimePrecision::kMicroseconds), component, message);
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  }

 private:
  const env::Clock& clock_;
};

}  // namespace minato::app
