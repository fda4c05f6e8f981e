// The log of processes whose lines a cluster gathers: one JSON object a line, on standard error.
#pragma once

#include <cstdio>
#include <string>

#include "base/time.h"
#include "env/env.h"
#include "kube/json.h"

namespace minato::app {

class JsonLog final : public env::Log {
 public:
  explicit JsonLog(const env::Clock& clock) : clock_(clock) {}
  void write(env::Level level, std::string_view component, std::string_view message) override {
    if (level == env::Level::kDebug) return;
    constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
    std::string line = R"({"time":")" + format_rfc3339(clock_.wall(), TimePrecision::kMicroseconds) + R"(","level":")";
    line += kNames[static_cast<std::size_t>(level)];
    line += R"(","component":)";
    kube::append_json_string(line, component);
    line += R"(,"message":)";
    kube::append_json_string(line, message);
    line += "}\n";
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  }

 private:
  const env::Clock& clock_;
};

}  // namespace minato::app
