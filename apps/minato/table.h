// Plain text tables for people: columns as wide as their widest cell, two spaces apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace minato::app {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  // Each line begins with `indent`; the last column is never padded.
  std::string render(const std::string& indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string dollars(std::int64_t micro_usd);

}  // namespace minato::app
