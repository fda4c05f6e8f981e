// What changed between two texts, as `diff -u` shows it. Pure; time and memory grow with the
// product of the lengths in lines, so both are bounded: beyond kMaxDiffLines the whole is replaced.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace minato::render {

inline constexpr std::size_t kMaxDiffLines = 3000;

// "" when they are the same. `path` stands in both headers.
std::string unified_diff(std::string_view path, std::string_view before, std::string_view after);

}  // namespace minato::render
