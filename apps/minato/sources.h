// The file and its overlays as the user named them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "spec/spec.h"

namespace minato::app {

// In the order given. Errors: as of host::read_file; each names its file.
Result<std::vector<spec::Source>> read_sources(const std::vector<std::string>& files);

}  // namespace minato::app
