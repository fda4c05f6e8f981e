#include "render/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace minato::render {
namespace {

constexpr std::size_t kContext = 3;

struct Step {
  char sign;  // ' ', '-', '+'
  std::string_view text;
};

std::vector<std::string> lines_of(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.empty() ? std::vector<std::string>{} : split(text, '\n');
}

// By the longest common subsequence; deletions before insertions.
std::vector<Step> steps_between(const std::vector<std::string>& a,
                                const std::vector<std::string>& b) {
  std::vector<Step> out;
  if (std::max(a.size(), b.size()) > kMaxDiffLines) {
    for (const std::string& line : a) out.push_back({'-', line});
    for (const std::string& line : b) out.push_back({'+', line});
    return out;
  }
  const std::size_t width = b.size() + 1;
  std::vector<std::uint32_t> common((a.size() + 1) * width);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back({' ', a[i++]});
      ++j;
    } else if (i < a.size() &&
               (j == b.size() || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back({'-', a[i++]});
    } else {
      out.push_back({'+', b[j++]});
    }
  }
  return out;
}

// Line numbers as `diff -u` counts them: an empty side is numbered by the line before.
std::string range(std::size_t before, std::size_t count) {
  return count == 1 ? std::to_string(before + 1)
                    : fmt::format("{},{}", count == 0 ? before : before + 1, count);
}

}  // namespace

std::string unified_diff(std::string_view path, std::string_view before, std::string_view after) {
  if (before == after) return {};
  const std::vector<std::string> a = lines_of(before), b = lines_of(after);
  const std::vector<Step> steps = steps_between(a, b);
  std::string out = fmt::format("--- a/{}\n+++ b/{}\n", path, path);
  std::size_t line_a = 0, line_b = 0, at = 0;
  while (at < steps.size()) {
    if (steps[at].sign == ' ') {
      ++at, ++line_a, ++line_b;
      continue;
    }
    const std::size_t first = at - std::min(at, kContext);
    std::size_t last = at, quiet = 0;
    while (last < steps.size() && quiet <= 2 * kContext)
      quiet = steps[last++].sign == ' ' ? quiet + 1 : 0;
    last -= std::min(quiet, quiet > kContext ? quiet - kContext : 0);
    std::size_t count_a = 0, count_b = 0;
    std::string body;
    for (std::size_t k = first; k < last; ++k) {
      if (steps[k].sign != '+') ++count_a;
      if (steps[k].sign != '-') ++count_b;
      body += fmt::format("{}{}\n", steps[k].sign, steps[k].text);
    }
    const std::size_t lead = at - first;
    out += fmt::format("@@ -{} +{} @@\n{}", range(line_a - lead, count_a),
                       range(line_b - lead, count_b), body);
    line_a += count_a - lead;
    line_b += count_b - lead;
    at = last;
  }
  return out;
}

}  // namespace minato::render
