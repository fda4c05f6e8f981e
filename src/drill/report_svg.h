// The picture of one drill: requests and failures over time, and the life of every Node, Pod and
// target, with the phases marked. Inline SVG, styled by the page's CSS variables. Pure.
#pragma once

#include <string>

#include "drill/report.h"

namespace minato::drill {

std::string timeline_svg(const Outcome& outcome);
// Bound, simulated and measured as bars of phases, on one scale.
std::string phases_svg(const Row& row);
std::string escape_html(std::string_view text);

}  // namespace minato::drill
