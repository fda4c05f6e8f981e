// Commands that ask a running world.
#pragma once

#include <boost/json/value.hpp>

#include "commands.h"
#include "control/client.h"
#include "world.h"

namespace minato::app {

// The text of a member of an answer; "" when there is none. Numbers likewise, with 0.
std::string text(const boost::json::value& object, const char* name);
std::int64_t number(const boost::json::value& object, const char* name);
const boost::json::array& list(const boost::json::value& object, const char* name);

// The status of a service as people read it.
std::string render_status(const boost::json::value& status);

}  // namespace minato::app
