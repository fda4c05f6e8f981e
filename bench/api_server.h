// The API server that the benchmark asks, as a process of its own: the real one, with TLS, rules,
// fields' owners and the durable store, without controllers.
#pragma once

#include <string>

namespace minato::bench {

inline constexpr const char* kToken = "token-of-the-benchmark";

// Serves on a port of 127.0.0.1, which it writes to `directory`/port, until SIGTERM.
int serve_api(const std::string& directory);

}  // namespace minato::bench
