// Kinds of values that several parts of the file have. Internal to the module.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "spec/reader.h"

namespace minato::spec {

// 1 to 40 of a-z, 0-9 and '-', so that 23 are left of a name's 63 for generated suffixes.
Status check_name(const std::string& text);

void read_duration(Reader& in, const std::string& key, Duration& out, Duration low, Duration high);
void read_port(Reader& in, const std::string& key, std::uint16_t& out);
void read_cpu(Reader& in, std::int64_t& milli);
void read_memory(Reader& in, const std::string& key, std::int64_t& bytes);
void read_percent(Reader& in, const std::string& key, std::int32_t& percent);  // "60%"
void read_share(Reader& in, const std::string& key, double& percent);          // "99.9%"
// A path that begins with '/'.
void read_path(Reader& in, const std::string& key, std::string& out);

Status check_variable_name(const std::string& name);
using Variables = std::vector<std::pair<std::string, std::string>>;
// Variables over those that are there already.
void read_variables(Reader& in, const std::string& key, Variables& out);

}  // namespace minato::spec
