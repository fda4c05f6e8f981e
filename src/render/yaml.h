// JSON values as block-style YAML that people like to read, with comments behind the lines.
//
// Members keep their order. Text that YAML would take for something else (a number, "yes", an
// empty string, a colon) is quoted; text of several lines becomes a literal block. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>

namespace minato::render {

// By path: "spec.template.spec.containers[0].image". A comment on a mapping or a list stands behind
// its key.
using Comments = std::map<std::string, std::string>;

std::string to_yaml(const boost::json::value& value, const Comments& comments = {});
// A scalar as YAML writes it.
std::string yaml_scalar(const boost::json::value& value);

}  // namespace minato::render
