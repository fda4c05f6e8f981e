// Where a key of the file stands, so that what is wrong with its value can be shown with its line.
//
// Pure; reads the sources once more, leniently: what cannot be read is not found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/spec.h"

namespace minato::spec {

// "minato.yaml:14" of a key such as "nodes.scaling.types", in the last source that has it; of its
// nearest parent where no source has it; "" where none has even that.
std::string locate(const std::vector<Source>& sources, std::string_view key);

// The error with a line per cause, each with the place of its field: for errors of what was read
// well but cannot be so.
Error with_places(const Error& error, const std::vector<Source>& sources);

}  // namespace minato::spec
