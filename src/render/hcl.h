// The layout that `terraform fmt` gives, and text as HCL quotes it.
//
// Rule: hashicorp/hcl hclwrite/format.go, formatCells: in runs of lines that assign a whole
// expression the '=' are aligned; in runs of lines that end in a comment, so are the comments.
// Indentation is the writer's. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace minato::render {

std::string hcl_quote(std::string_view text);
std::string hcl_list(const std::vector<std::string>& texts);  // ["a", "b"]
std::string hcl_align(std::string_view text);

}  // namespace minato::render
