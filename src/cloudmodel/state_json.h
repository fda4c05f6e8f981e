// The parts of the saved state as JSON. Internal to the module. Readers throw boost's exceptions on
// damage; state.cc turns them into a Result.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cloudmodel/agenda.h"
#include "cloudmodel/pools.h"
#include "cloudmodel/record.h"

namespace minato::cloudmodel {

boost::json::object write(const Group& group);
boost::json::object write(const Record& record);
boost::json::object write(const cloud::Activity& activity);
boost::json::object write(const Bill& bill);
boost::json::object write(const Pools::State& pools);

Group read_group(const boost::json::object& in);
Record read_record(const boost::json::object& in);
cloud::Activity read_activity(const boost::json::object& in);
Bill read_bill(const boost::json::object& in);
Pools::State read_pools(const boost::json::object& in);
Agenda::Entry read_entry(const boost::json::array& in);

}  // namespace minato::cloudmodel
