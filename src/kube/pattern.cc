#include "kube/pattern.h"

#include <boost/regex.hpp>

namespace minato::kube {

struct Pattern::Compiled {
  boost::regex expression;
};

Result<Pattern> Pattern::make(std::string_view text) {
  try {
    auto compiled = std::make_shared<Compiled>();
    compiled->expression.assign(text.data(), text.data() + text.size(), boost::regex::perl);
    return Pattern(std::move(compiled));
  } catch (const std::exception& error) {
    return fail(Reason::kInvalid, error.what());
  }
}

bool Pattern::matches(std::string_view text) const {
  try {
    return boost::regex_search(text.data(), text.data() + text.size(), compiled_->expression,
                               boost::match_single_line | boost::match_not_dot_newline);
  } catch (const std::exception&) {
    return false;  // Too many steps.
  }
}

}  // namespace minato::kube
