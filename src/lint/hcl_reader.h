// Reading Terraform as far as lint needs it: blocks, their labels, and attributes whose values are
// literals, lists of literals, or locals that are. Anything else is kept as its text.
//
// Not a validator (terraform is): what cannot be read is skipped to the end of its block. Input is
// untrusted: nesting is bounded. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "render/files.h"

namespace minato::lint {

struct HclBlock {
  std::string type;                               // "resource"; "" at the top.
  std::vector<std::string> labels;                // {"aws_lb", "this"}
  std::map<std::string, std::string> attributes;  // Expressions as they stand.
  std::vector<HclBlock> blocks;

  std::string attribute(std::string_view name) const;  // "" when absent.
  const HclBlock* block(std::string_view type) const;  // The first; null when absent.
};

// Every *.tf file below a directory as one module.
class HclModule {
 public:
  static HclModule read(const render::Files& files);

  bool empty() const { return root_.blocks.empty(); }
  // Resources of a type, in file order.
  std::vector<const HclBlock*> resources(std::string_view type) const;
  std::vector<const HclBlock*> data(std::string_view type) const;
  // The expression's literal value without quotes, through locals; its text where it is none.
  std::string value(const std::string& expression) const;
  std::string value(const HclBlock& block, std::string_view attribute) const {
    return value(block.attribute(attribute));
  }
  // The same of an attribute that may be `each.value`: one for each element of a plain for_each.
  std::vector<std::string> values(const HclBlock& block, std::string_view attribute) const;
  // Expressions of all locals, by name.
  const std::map<std::string, std::string>& locals() const { return locals_; }

 private:
  std::vector<const HclBlock*> blocks(std::string_view kind, std::string_view type) const;

  HclBlock root_;
  std::map<std::string, std::string> locals_;
};

}  // namespace minato::lint
