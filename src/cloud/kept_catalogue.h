// What minato keeps of a catalogue's files between commands: one small file with its region and
// date, made by `minato cloud catalogue` and read by everything that asks for facts of a type.
//
// Pure; any thread. Errors: Invalid.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cloud/catalogue_file.h"

namespace minato::cloud {

struct KeptCatalogue {
  std::string region;  // Of the prices; "": nobody said.
  std::string at;      // RFC 3339, when AWS was asked; "": nobody said.
  std::vector<InstanceTypeRecord> types;
  bool operator==(const KeptCatalogue&) const = default;
};

std::string to_json(const KeptCatalogue& kept);
// Reads that, and what read_catalogue() does: then nobody says region and date. Facts that no type
// can have (no CPU, a price below zero) are refused, since they would be divided by.
Result<KeptCatalogue> read_kept_catalogue(std::string_view json);

}  // namespace minato::cloud
