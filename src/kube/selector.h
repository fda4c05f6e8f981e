// Label selectors: both the LabelSelector of objects and the text form of list requests
// ("app=web,tier in (a,b),!canary"). Immutable once made; thread-safe.
// Rules: k8s.io/apimachinery pkg/labels/selector.go.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/types/meta.h"

namespace minato::kube {

using Labels = std::map<std::string, std::string>;

class Selector {
 public:
  // Matches everything.
  Selector() = default;
  static Selector nothing();
  static Selector from_labels(const Labels& labels);  // All must be equal.
  // A null LabelSelector matches nothing, an empty one everything (upstream's rule).
  static Result<Selector> from(const Box<LabelSelector>& selector);
  static Result<Selector> from(const LabelSelector& selector);
  static Result<Selector> parse(std::string_view text);

  bool matches(const Labels& labels) const;
  bool matches_everything() const { return !nothing_ && requirements_.empty(); }
  std::string to_string() const;

 private:
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist, kGreaterThan, kLessThan };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;  // Sorted.
  };
  friend class SelectorParser;
  static bool holds(const Requirement& requirement, const Labels& labels);
  bool nothing_ = false;
  std::vector<Requirement> requirements_;
};

}  // namespace minato::kube
