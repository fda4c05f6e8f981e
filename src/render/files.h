// What rendering gives: texts by their path below the output directory. Pure values; whoever runs
// on a machine writes them.
#pragma once

#include <map>
#include <string>

namespace minato::render {

using Files = std::map<std::string, std::string>;

}  // namespace minato::render
