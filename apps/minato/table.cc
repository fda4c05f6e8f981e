#include "table.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::app {

std::string Table::render(const std::string& indent) const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    out += indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string dollars(std::int64_t micro_usd) {
  return fmt::format("${:.4f}", static_cast<double>(micro_usd) / 1e6);
}

}  // namespace minato::app
