// Drill reports and bounds as tables for the terminal. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "drill/report.h"

namespace minato::drill {

// Rows of cells; the first row is the header.
using Cells = std::vector<std::vector<std::string>>;

Cells recovery_cells(const Report& report);
// What became of each since then: "0:07.4 → 0:06.1 (-18%)".
Cells comparison_cells(const Report& report, const std::map<std::string, Earlier>& earlier);
// Every bound with its phases and what may fail at `rate`.
Cells bound_cells(const std::vector<bounds::Bound>& bounds, double rate);
Cells term_cells(const bounds::Bound& bound);

}  // namespace minato::drill
