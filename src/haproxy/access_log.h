// Bounds the access log. HAProxy appends to one open file for as long as it lives, also while
// nobody watches it, so the file is copied to "<file>.1" and emptied in place instead of renamed.
// Lines written between the last copied byte and the emptying (microseconds) are lost.
//
// Blocking: for a worker thread. Thread-safe as long as one call runs per file.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace minato::haproxy {

// Does nothing below the limit or when there is no file. At most twice the limit stays on disk, and
// what comes in between two calls.
Status bound_access_log(const std::string& path, std::uint64_t limit_bytes);

}  // namespace minato::haproxy
