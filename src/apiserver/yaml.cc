#include "apiserver/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>

#include "kube/json_duplicates.h"
#include "kube/validation.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxTwice = 100;
constexpr std::size_t kMaxValues = 200'000;
constexpr std::size_t kMaxTextBytes = 3 << 20;

// A plain scalar as the YAML 1.2 core schema, with what Go's parser keeps of 1.1, reads it.
json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return nullptr;
  for (const std::string_view yes : {"true", "True", "TRUE"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "False", "FALSE"})
    if (text == no) return false;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, whole);
      error == std::errc() && stop == end)
    return whole;
  double number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  const bool is_number = begin != end && (std::isdigit(static_cast<unsigned char>(*begin)) ||
                                          *begin == '-' || *begin == '.');
  if (is_number && error == std::errc() && stop == end && std::isfinite(number)) return number;
  return json::string(text);
}

class Converter {
 public:
  explicit Converter(std::vector<std::string>* twice) : twice_(twice) {}

  Result<json::value> convert(const YAML::Node& node, const kube::FieldPath& path, int depth) {
    if (depth > kMaxDepth) return fail(Reason::kInvalid, "nested too deeply");
    if (++values_ > kMaxValues) return fail(Reason::kInvalid, "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        // "!" marks quoted text, which is text whatever it looks like.
        if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str")
          return json::value(json::string(node.Scalar()));
        return plain_scalar(node.Scalar());
      case YAML::NodeType::Sequence: {
        json::array out;
        for (const auto& element : node) {
          const kube::FieldPath at = path.index(out.size());
          ASSIGN_OR_RETURN(json::value value, convert(element, at, depth + 1));
          out.push_back(std::move(value));
        }
        return out;
      }
      case YAML::NodeType::Map: {
        json::object out;
        for (const auto& entry : node) {
          if (!entry.first.IsScalar()) return fail(Reason::kInvalid, "a key that is not text");
          const std::string& key = entry.first.Scalar();
          const kube::FieldPath at = path.child(key);
          ASSIGN_OR_RETURN(json::value value, convert(entry.second, at, depth + 1));
          if (out.insert_or_assign(key, std::move(value)).second) continue;
          if (twice_ == nullptr)
            return fail(Reason::kInvalid, fmt::format("key \"{}\" already set in map", key));
          if (twice_->size() < kMaxTwice) twice_->push_back(at.to_string());
        }
        return out;
      }
      default: return json::value(nullptr);
    }
  }

 private:
  std::vector<std::string>* const twice_;
  std::size_t values_ = 0;
};

}  // namespace

Result<json::value> parse_yaml(std::string_view text, std::vector<std::string>* twice) {
  if (text.size() > kMaxTextBytes) return fail(Reason::kInvalid, "the YAML text is too large");
  // JSON is YAML, and what most clients send under that name.
  if (json::error_code error; true) {
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::value value = json::parse({text.data(), text.size()}, error, {}, options);
    if (!error && twice != nullptr) *twice = kube::duplicate_members(text);
    if (!error) return value;
  }
  try {
    return Converter(twice).convert(YAML::Load(std::string(text)), kube::FieldPath(""), 0);
  } catch (const YAML::Exception& error) {
    return fail(Reason::kInvalid, std::string("not valid YAML: ") + error.what());
  }
}

}  // namespace minato::apiserver
