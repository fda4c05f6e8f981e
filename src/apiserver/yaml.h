// YAML as JSON, for bodies that people write: the same subset as sigs.k8s.io/yaml (one document,
// string keys). Input is untrusted: depth and the number of values are bounded, so aliases cannot
// multiply without end. A key that stands twice in one map is an error, unless the caller takes
// its path: then the last one counts. Pure. Errors: Invalid.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::apiserver {

Result<boost::json::value> parse_yaml(std::string_view text,
                                      std::vector<std::string>* twice = nullptr);

}  // namespace minato::apiserver
