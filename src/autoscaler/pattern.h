// Regular expressions as the priority expander's configuration uses them: literals, `.`, classes
// such as [a-z], `*`, `+`, `?`, anchors, `|` between whole expressions, and `\` for the next
// character itself. Groups and counted repeats are refused.
//
// Pure; matches anywhere in the text unless anchored (Go's regexp.MatchString). Errors: Invalid.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::autoscaler {

class Pattern {
 public:
  static constexpr std::size_t kMaxLength = 256;

  static Result<Pattern> parse(std::string_view text);
  bool matches(std::string_view text) const;

 private:
  enum class Repeat { kOnce, kOptional, kAny, kSome };
  struct Atom {
    bool any = false;
    bool negated = false;
    std::vector<std::pair<char, char>> ranges;
    Repeat repeat = Repeat::kOnce;
    bool accepts(char c) const;
  };
  struct Branch {
    bool at_start = false;
    bool at_end = false;
    std::vector<Atom> atoms;
  };
  static Result<Branch> parse_branch(std::string_view text);
  static Result<std::size_t> parse_atom(std::string_view text, std::size_t at, Atom& out);
  static bool matches_at(const Branch& branch, std::size_t atom, std::string_view text);

  std::vector<Branch> branches_;
};

}  // namespace minato::autoscaler
