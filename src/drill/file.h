// A drill of a user's own, in YAML, from the same words as the built-in ones:
//
//   kind: two-crashes
//   does: kills the process of one Pod twice
//   inject: crash-repeatedly
//   count: 2
//   phases: {detected: [pod-down], in service: [service-back]}
//   bound: process-crash        # whose bound holds for it
//   planned: false              # true: not one request may fail
//
// inject and mend take an action or a list of them, done one after the other. Also: role (of
// kill-role), path (of multiply-load), expects, protects. A condition with a word: "pod-waiting
// CrashLoopBackOff", "role-down dns". Strict: an unknown key is an error.
#pragma once

#include <string>

#include "drill/drill.h"

namespace minato::drill {

// Errors: Invalid, with file and line.
Result<Drill> read_drill(const std::string& name, const std::string& text);

}  // namespace minato::drill
