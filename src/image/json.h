// Reading JSON documents of strangers: the one place where Boost.JSON parses, without exceptions.
//
// Stateless, thread-safe. Missing and null members read as empty; members of another type than
// expected are Invalid errors, raised by the readers that need them.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::image {

// The whole text must be one JSON object; `what` names it in errors. Nesting is bounded.
Result<boost::json::object> parse_object(std::string_view text, std::string_view what);

// Members of an object by name.
Result<std::string> string_member(const boost::json::object& object, std::string_view name);
Result<std::vector<std::string>> strings_member(const boost::json::object& object,
                                                std::string_view name);
// Null when the member is absent.
Result<const boost::json::object*> object_member(const boost::json::object& object,
                                                 std::string_view name);
Result<const boost::json::array*> array_member(const boost::json::object& object,
                                               std::string_view name);
// -1 when the member is absent.
Result<std::int64_t> size_member(const boost::json::object& object, std::string_view name);

// An element of an array as an object.
Result<const boost::json::object*> as_object(const boost::json::value& value,
                                             std::string_view what);

}  // namespace minato::image
