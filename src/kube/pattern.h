// Regular expressions of schemas, as close to Go's (RE2) as Boost.Regex comes: `^` and `$` are the
// ends of the text, a dot is no line break. Patterns are untrusted: one that takes too many steps
// counts as no match. Values; copies share the compiled form; thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace minato::kube {

class Pattern {
 public:
  // Errors: Invalid.
  static Result<Pattern> make(std::string_view text);
  // Anywhere in `text`, unless the pattern says otherwise.
  bool matches(std::string_view text) const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace minato::kube
