// Label selectors: what is read is written and read again as the same.
#include "fuzz/input.h"
#include "kube/selector.h"

namespace minato {

void fuzz_one(std::string_view input) {
  const auto selector = kube::Selector::parse(input);
  if (!selector) return;
  (void)selector->matches({{"app", "web"}, {"size", "3"}});
  const std::string text = selector->to_string();
  const auto again = kube::Selector::parse(text);
  CHECK(again && again->to_string() == text, "{}", text);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
