#include "lint/manifests.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "kube/json.h"
#include "spec/yaml_documents.h"

namespace minato::lint {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxBytes = 4 << 20;
constexpr int kMaxDepth = 64;

// Rule: YAML 1.2 core schema, as far as manifests use it.
json::value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);  // Quoted, or a block.
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, whole);
      error == std::errc{} && at == end)
    return whole;
  double number = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, number);
      error == std::errc{} && at == end)
    return number;
  return json::value(text);
}

json::value convert(const YAML::Node& node, int depth, bool& too_deep) {
  if (depth > kMaxDepth) {
    too_deep = true;
    return nullptr;
  }
  if (node.IsMap()) {
    json::object out;
    for (const auto& entry : node) {
      if (entry.first.IsScalar())
        out[entry.first.Scalar()] = convert(entry.second, depth + 1, too_deep);
    }
    return out;
  }
  if (node.IsSequence()) {
    json::array out;
    for (const YAML::Node& item : node) out.push_back(convert(item, depth + 1, too_deep));
    return out;
  }
  return node.IsScalar() ? scalar(node) : json::value(nullptr);
}

// The path of the first member that the type does not declare; "".
std::string unknown_in(const kube::TypeInfo& type, const void* value, const std::string& path) {
  switch (type.shape) {
    case kube::Shape::kStruct: {
      const kube::UnknownFields& unknown = type.unknown(const_cast<void*>(value));
      if (unknown && !unknown->empty()) return path + "." + std::string(unknown->begin()->key());
      for (const kube::FieldInfo& field : type.fields) {
        const std::string at = field.name.empty() ? path : path + "." + std::string(field.name);
        if (std::string found = unknown_in(field.type(), kube::member_of(field, value), at);
            !found.empty())
          return found;
      }
      return {};
    }
    case kube::Shape::kOptional: {
      const void* inner = type.get(value);
      return inner == nullptr ? std::string() : unknown_in(type.element(), inner, path);
    }
    case kube::Shape::kList:
      for (std::size_t i = 0; i < type.size(value); ++i) {
        if (std::string found =
                unknown_in(type.element(), type.at(value, i), fmt::format("{}[{}]", path, i));
            !found.empty()) {
          return found;
        }
      }
      return {};
    default: return {};
  }
}

bool is_served(const json::value& document) {
  const json::object* object = document.if_object();
  if (object == nullptr) return false;
  const json::value* version = object->if_contains("apiVersion");
  const json::value* kind = object->if_contains("kind");
  return version != nullptr && kind != nullptr && version->is_string() && kind->is_string() &&
         kube::find_kind(std::string_view(version->get_string()),
                         std::string_view(kind->get_string())) != nullptr;
}

void read_one(const std::string& path, json::value document, Manifests& out) {
  Manifest manifest{.path = path, .json = document};
  if (is_served(document)) {
    auto object = kube::object_from_json(document);
    if (!object) {
      out.problems.push_back({path, object.error().message});
      return;
    }
    const std::string unknown = unknown_in((*object)->kind().type(), (*object)->self(), "");
    if (!unknown.empty())
      out.problems.push_back(
          {path, fmt::format("{} is no field of {}", unknown.substr(1), (*object)->kind().kind)});
    manifest.object = std::move(*object);
  }
  out.all.push_back(std::move(manifest));
}

}  // namespace

Result<std::vector<json::value>> read_yaml(std::string_view text) {
  if (text.size() > kMaxBytes)
    return fail(Reason::kInvalid, fmt::format("larger than {} bytes", kMaxBytes));
  try {
    std::vector<json::value> out;
    bool too_deep = false;
    for (const YAML::Node& document : spec::load_documents(std::string(text))) {
      if (!document.IsNull()) out.push_back(convert(document, 0, too_deep));
    }
    if (too_deep) return fail(Reason::kInvalid, fmt::format("nested deeper than {}", kMaxDepth));
    return out;
  } catch (const YAML::Exception& error) {
    return fail(Reason::kInvalid,
                fmt::format("{}:{}: {}", error.mark.line + 1, error.mark.column + 1, error.msg));
  } catch (const std::exception& error) {
    return fail(Reason::kInvalid, error.what());
  }
}

Manifests read_manifests(const render::Files& files) {
  Manifests out;
  for (const auto& [path, text] : files) {
    if (!path.ends_with(".yaml") && !path.ends_with(".yml")) continue;
    auto documents = read_yaml(text);
    if (!documents) {
      out.problems.push_back({path, documents.error().message});
      continue;
    }
    for (json::value& document : *documents) read_one(path, std::move(document), out);
  }
  return out;
}

}  // namespace minato::lint
