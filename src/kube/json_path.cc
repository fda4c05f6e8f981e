#include "kube/json_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/strings.h"

namespace minato::kube {
namespace json = boost::json;

class JsonPath::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Step>> parse() {
    std::vector<Step> out;
    if (text_.starts_with('{') && text_.ends_with('}')) text_ = text_.substr(1, text_.size() - 2);
    if (text_.starts_with('$')) ++at_;
    while (at_ < text_.size()) {
      Step step;
      if (text_[at_] == '[') {
        RETURN_IF_ERROR(read_bracket(step));
      } else {
        if (text_[at_] == '.') ++at_;
        if (at_ < text_.size() && text_[at_] == '[') continue;
        RETURN_IF_ERROR(read_name(step));
      }
      out.push_back(std::move(step));
    }
    if (out.empty()) return wrong("it is empty");
    return out;
  }

 private:
  std::unexpected<Error> wrong(std::string_view why) const {
    return fail(Reason::kInvalid, fmt::format("JSONPath \"{}\": {}", text_, why));
  }

  Status read_name(Step& step) {
    for (; at_ < text_.size() && text_[at_] != '.' && text_[at_] != '['; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      step.name += text_[at_];
    }
    if (step.name.empty()) return wrong("a name is missing");
    if (step.name == "*") step.kind = Step::Kind::kAll;
    return {};
  }

  Status read_bracket(Step& step) {
    const std::size_t end = close();
    if (end == std::string_view::npos) return wrong("a bracket is not closed");
    const std::string_view inner = trim(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    if (inner == "*") {
      step.kind = Step::Kind::kAll;
    } else if (inner.starts_with('?')) {
      return read_filter(inner, step);
    } else if (is_quoted(inner)) {
      step.name = inner.substr(1, inner.size() - 2);
    } else {
      const auto index = parse_int(inner);
      if (!index) return wrong("brackets hold an index, a quoted name, * or a filter");
      step.kind = Step::Kind::kIndex;
      step.index = *index;
    }
    return {};
  }

  // ?(@.type=="Ready")
  Status read_filter(std::string_view inner, Step& step) {
    const std::size_t equals = inner.find("==");
    if (!inner.starts_with("?(@.") || !inner.ends_with(')') || equals == std::string_view::npos) {
      return wrong("a filter has the form ?(@.member==\"value\")");
    }
    step.kind = Step::Kind::kFilter;
    step.where = split(trim(inner.substr(4, equals - 4)), '.');
    std::string_view value = trim(inner.substr(equals + 2, inner.size() - equals - 3));
    if (is_quoted(value)) value = value.substr(1, value.size() - 2);
    step.equals = value;
    return {};
  }

  // The bracket that closes the one here, quotes respected.
  std::size_t close() const {
    char quote = 0;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      const char c = text_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == ']') {
        return i;
      }
    }
    return std::string_view::npos;
  }
  static bool is_quoted(std::string_view text) {
    return text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
           text.back() == text.front();
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath out;
  out.text_ = text;
  ASSIGN_OR_RETURN(out.steps_, Parser(text).parse());
  return out;
}

bool JsonPath::is_simple() const {
  return std::ranges::all_of(steps_, [](const Step& step) { return step.kind == Step::Kind::kMember; });
}

bool JsonPath::holds(const Step& filter, const json::value& element) {
  const json::value* at = &element;
  for (const std::string& name : filter.where) {
    at = at->is_object() ? at->get_object().if_contains(name) : nullptr;
    if (at == nullptr) return false;
  }
  if (at->is_string()) return std::string_view(at->get_string()) == filter.equals;
  return json::serialize(*at) == filter.equals;
}

std::vector<const json::value*> JsonPath::find(const json::value& root) const {
  std::vector<const json::value*> at{&root};
  for (const Step& step : steps_) {
    std::vector<const json::value*> next;
    for (const json::value* value : at) {
      if (step.kind == Step::Kind::kMember) {
        const json::value* member =
            value->is_object() ? value->get_object().if_contains(step.name) : nullptr;
        if (member != nullptr) next.push_back(member);
      } else if (value->is_array()) {
        const json::array& list = value->get_array();
        const auto size = static_cast<std::int64_t>(list.size());
        const std::int64_t index = step.index < 0 ? size + step.index : step.index;
        for (std::int64_t i = 0; i < size; ++i) {
          const json::value& element = list[static_cast<std::size_t>(i)];
          const bool taken = step.kind == Step::Kind::kAll ||
                             (step.kind == Step::Kind::kIndex && i == index) ||
                             (step.kind == Step::Kind::kFilter && holds(step, element));
          if (taken) next.push_back(&element);
        }
      } else if (value->is_object() && step.kind == Step::Kind::kAll) {
        for (const auto& [key, member] : value->get_object()) next.push_back(&member);
      }
    }
    at = std::move(next);
  }
  return at;
}

void JsonPath::set(json::value& root, json::value value) const {
  json::value* at = &root;
  for (const Step& step : steps_) {
    if (!at->is_object()) *at = json::object();
    at = &at->get_object()[step.name];
  }
  *at = std::move(value);
}

}  // namespace minato::kube
