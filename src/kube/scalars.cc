#include <fmt/format.h>

#include "base/strings.h"
#include "kube/types/scalars.h"

namespace minato::kube {

const std::string& IntOrString::text() const {
  static const std::string kEmpty;
  return is_int() ? kEmpty : std::get<1>(value);
}

Result<std::int32_t> scaled_value(const IntOrString& value, std::int32_t total, Rounding rounding) {
  if (value.is_int()) return value.number();
  const std::string& text = value.text();
  const auto percent =
      text.ends_with('%') ? parse_int(std::string_view(text).substr(0, text.size() - 1))
                          : Result<std::int64_t>(fail(Reason::kInvalid, ""));
  if (!percent || *percent < 0 || *percent > 100'000) {
    return fail(Reason::kInvalid, fmt::format("'{}' is neither a number nor a percentage", text));
  }
  const std::int64_t scaled = *percent * total;
  return static_cast<std::int32_t>(rounding == Rounding::kUp ? (scaled + 99) / 100 : scaled / 100);
}

}  // namespace minato::kube
