// The few text helpers that several modules share and the standard library lacks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato {

// Splits at every `separator`; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

// The whole text must be a decimal integer in range.
Result<std::int64_t> parse_int(std::string_view text);

std::string to_hex(std::string_view bytes);
// For URLs and forms: all but the unreserved characters of RFC 3986 as %XX.
std::string percent_encode(std::string_view text);

// Edit distance with transpositions, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate nearest to `word`, or "" if none is near enough to be worth suggesting.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace minato
