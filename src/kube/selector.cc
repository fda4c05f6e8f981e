#include "kube/selector.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace minato::kube {

Selector Selector::nothing() {
  Selector out;
  out.nothing_ = true;
  return out;
}

Selector Selector::from_labels(const Labels& labels) {
  Selector out;
  for (const auto& [key, value] : labels) out.requirements_.push_back({key, Operator::kIn, {value}});
  return out;
}

Result<Selector> Selector::from(const Box<LabelSelector>& selector) {
  return selector ? from(*selector) : nothing();
}

Result<Selector> Selector::from(const LabelSelector& selector) {
  Selector out = from_labels(selector.match_labels);
  for (const LabelSelectorRequirement& expression : selector.match_expressions) {
    Requirement requirement{expression.key, Operator::kIn, expression.values};
    std::ranges::sort(requirement.values);
    const bool wants_values = expression.operator_ == "In" || expression.operator_ == "NotIn";
    if (expression.operator_ == "NotIn") {
      requirement.op = Operator::kNotIn;
    } else if (expression.operator_ == "Exists") {
      requirement.op = Operator::kExists;
    } else if (expression.operator_ == "DoesNotExist") {
      requirement.op = Operator::kDoesNotExist;
    } else if (expression.operator_ != "In") {
      return fail(Reason::kInvalid,
                  fmt::format("\"{}\" is not a valid label selector operator", expression.operator_));
    }
    if (wants_values == expression.values.empty()) {
      return fail(Reason::kInvalid,
                  fmt::format("selector on '{}': operator {} {}", expression.key,
                              expression.operator_,
                              wants_values ? "needs values" : "takes no values"));
    }
    out.requirements_.push_back(std::move(requirement));
  }
  return out;
}

bool Selector::holds(const Requirement& requirement, const Labels& labels) {
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const auto listed = [&] {
    return std::ranges::binary_search(requirement.values, found->second);
  };
  switch (requirement.op) {
    case Operator::kIn: return present && listed();
    case Operator::kNotIn: return !present || !listed();
    case Operator::kExists: return present;
    case Operator::kDoesNotExist: return !present;
    case Operator::kGreaterThan:
    case Operator::kLessThan: {
      if (!present) return false;
      const auto value = parse_int(found->second), bound = parse_int(requirement.values[0]);
      if (!value || !bound) return false;
      return requirement.op == Operator::kGreaterThan ? *value > *bound : *value < *bound;
    }
  }
  return false;
}

bool Selector::matches(const Labels& labels) const {
  if (nothing_) return false;
  return std::ranges::all_of(requirements_,
                             [&](const Requirement& r) { return holds(r, labels); });
}

std::string Selector::to_string() const {
  std::vector<std::string> parts;
  for (const Requirement& r : requirements_) {
    const std::string values = join(r.values, ",");
    switch (r.op) {
      case Operator::kIn:
        parts.push_back(r.values.size() == 1 ? r.key + "=" + values
                                             : fmt::format("{} in ({})", r.key, values));
        break;
      case Operator::kNotIn:
        parts.push_back(r.values.size() == 1 ? r.key + "!=" + values
                                             : fmt::format("{} notin ({})", r.key, values));
        break;
      case Operator::kExists: parts.push_back(r.key); break;
      case Operator::kDoesNotExist: parts.push_back("!" + r.key); break;
      case Operator::kGreaterThan: parts.push_back(r.key + ">" + values); break;
      case Operator::kLessThan: parts.push_back(r.key + "<" + values); break;
    }
  }
  return join(parts, ",");
}

// Reads the text form; one object per text.
class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_(text) {}

  Result<Selector> parse() {
    Selector out;
    skip_space();
    while (at_ < text_.size()) {
      ASSIGN_OR_RETURN(Selector::Requirement requirement, requirement_here());
      out.requirements_.push_back(std::move(requirement));
      skip_space();
      if (at_ < text_.size() && !take(",")) return bad();
      skip_space();
    }
    return out;
  }

 private:
  using Operator = Selector::Operator;

  std::unexpected<Error> bad() const {
    return fail(Reason::kBadRequest,
                fmt::format("unable to parse label selector '{}' at position {}", text_, at_));
  }
  // What labels are compared with as numbers.
  Result<Selector::Requirement> bound(const std::string& key, Operator op) {
    const std::string number = word();
    if (parse_int(number)) return Selector::Requirement{key, op, {number}};
    return fail(Reason::kBadRequest, fmt::format("label selector '{}': {} is compared with \"{}\", "
                                                 "which is no whole number", text_, key, number));
  }
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::string word() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && std::string_view(" ,=!<>()").find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    std::string out(text_.substr(start, at_ - start));
    skip_space();
    return out;
  }

  Result<Selector::Requirement> requirement_here() {
    const bool negated = take("!");
    std::string key = word();
    if (key.empty()) return bad();
    if (const std::string_view problem = check_qualified_name(key); !problem.empty()) {
      return fail(Reason::kBadRequest,
                  fmt::format("unable to parse label selector '{}': {}: {}", text_, key, problem));
    }
    if (negated) return Selector::Requirement{key, Operator::kDoesNotExist, {}};
    if (at_ == text_.size() || text_[at_] == ',') return Selector::Requirement{key, Operator::kExists, {}};
    if (take("==") || take("=")) return Selector::Requirement{key, Operator::kIn, {word()}};
    if (take("!=")) return Selector::Requirement{key, Operator::kNotIn, {word()}};
    if (take(">")) return bound(key, Operator::kGreaterThan);
    if (take("<")) return bound(key, Operator::kLessThan);
    return set_requirement(std::move(key));
  }

  Result<Selector::Requirement> set_requirement(std::string key) {
    const std::string name = word();
    if ((name != "in" && name != "notin") || !take("(")) return bad();
    Selector::Requirement out{std::move(key), name == "in" ? Operator::kIn : Operator::kNotIn, {}};
    do {
      out.values.push_back(word());
    } while (take(","));
    if (!take(")")) return bad();
    std::ranges::sort(out.values);
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Selector> Selector::parse(std::string_view text) { return SelectorParser(text).parse(); }

}  // namespace minato::kube
