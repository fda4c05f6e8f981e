// The part of Kubernetes' JSONPath that definitions use for columns and scales: members
// (".spec.replicas", "['a.b']"), indexes, "[*]", and filters on equality
// ("[?(@.type==\"Ready\")]"). Values; thread-safe.
// Rules: k8s.io/client-go util/jsonpath; docs "JSONPath Support".
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::kube {

class JsonPath {
 public:
  // ".a.b", with or without its first dot. Errors: Invalid.
  static Result<JsonPath> parse(std::string_view text);

  // What the path leads to; empty when it leads nowhere.
  std::vector<const boost::json::value*> find(const boost::json::value& root) const;
  // Puts `value` where the path leads, making objects on the way. Requires: is_simple().
  void set(boost::json::value& root, boost::json::value value) const;
  // Nothing but members.
  bool is_simple() const;
  const std::string& text() const { return text_; }

 private:
  struct Step {
    enum class Kind { kMember, kIndex, kAll, kFilter } kind = Kind::kMember;
    std::string name;                // Of a member.
    std::int64_t index = 0;          // Negative: from the end.
    std::vector<std::string> where;  // Members below an element, of a filter.
    std::string equals;              // Text, or the number as it is written.
  };
  class Parser;
  static bool holds(const Step& filter, const boost::json::value& element);

  std::string text_;
  std::vector<Step> steps_;
};

}  // namespace minato::kube
