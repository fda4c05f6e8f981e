// Observations as JSON, for the control socket and for reports.
#pragma once

#include <boost/json/value.hpp>

#include "drill/observation.h"

namespace minato::drill {

// {"atNs":…,"subject":"pod","name":…,"state":…} and what else is set.
boost::json::object to_json(const Observation& observation);
// Errors: Invalid.
Result<Observation> observation_from(const boost::json::value& value);

}  // namespace minato::drill
