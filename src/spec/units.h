// Units of the file as people write them: "250m" of CPU, "256Mi", "60%".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace minato::spec {

Result<std::int64_t> parse_cpu_milli(std::string_view text);    // "250m", "0.5", "2"
Result<std::int64_t> parse_bytes(std::string_view text);        // "256Mi", "1Gi", "500M"
Result<std::int64_t> parse_percent(std::string_view text);      // "60%", 0 to 100
Result<double> parse_fraction_percent(std::string_view text);   // "99.9%"
bool is_cidr(std::string_view text);  // "10.0.0.0/16"; of IPv4.

}  // namespace minato::spec
