#include "kube/patch.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <optional>

#include "base/strings.h"

namespace minato::kube {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxOperations = 10'000;
// A patch of nested copies could otherwise grow a document without bound: of memory, since two
// characters of text may be an object of their own.
constexpr std::size_t kMaxCopiedBytes = 3 << 20;
constexpr std::size_t kValueBytes = 32;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

std::unexpected<Error> malformed(std::string message) {
  return fail(Reason::kBadRequest, "malformed patch: " + std::move(message));
}

std::unexpected<Error> does_not_apply(std::string message) {
  return fail(Reason::kInvalid, "the patch does not apply: " + std::move(message));
}

Result<std::vector<std::string>> parse_pointer(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  if (text.front() != '/') return malformed(fmt::format("path \"{}\" does not start with /", text));
  out = split(text.substr(1), '/');
  for (std::string& token : out) {
    std::string plain;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] != '~') {
        plain += token[i];
      } else if (i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
        plain += token[++i] == '0' ? '~' : '/';
      } else {
        return malformed(fmt::format("path \"{}\" has a ~ that is neither ~0 nor ~1", text));
      }
    }
    token = std::move(plain);
  }
  return out;
}

// Below `end`, without sign or leading zeros.
std::optional<std::size_t> parse_index(std::string_view token, std::size_t end) {
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return std::nullopt;
  if (token.front() < '0' || token.front() > '9') return std::nullopt;
  const auto number = parse_int(token);
  if (!number || static_cast<std::size_t>(*number) >= end) return std::nullopt;
  return static_cast<std::size_t>(*number);
}

// What a copy takes, about; no more than `most` is counted.
std::size_t weight_of(const json::value& value, std::size_t most) {
  std::size_t sum = kValueBytes;
  if (value.is_string()) return sum + value.get_string().size();
  if (value.is_array()) {
    for (const json::value& element : value.get_array()) {
      if (sum >= most) return sum;
      sum += weight_of(element, most - sum);
    }
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      if (sum >= most) return sum;
      sum += key.size() + weight_of(member, most - sum);
    }
  }
  return sum;
}

json::value* child_of(json::value& parent, const std::string& token) {
  if (parent.is_object()) return parent.get_object().if_contains(token);
  if (!parent.is_array()) return nullptr;
  const auto index = parse_index(token, parent.get_array().size());
  return index ? &parent.get_array()[*index] : nullptr;
}

// RFC 6902, one operation after the other on its own copy of the document.
class JsonPatch {
 public:
  explicit JsonPatch(json::value document) : document_(std::move(document)) {}
  json::value take() { return std::move(document_); }

  Status apply(const json::object& operation) {
    ASSIGN_OR_RETURN(const std::string op, text_of(operation, "op"));
    ASSIGN_OR_RETURN(const std::string path, text_of(operation, "path"));
    if (op == "remove") return drop(take_out(path));
    if (op == "move" || op == "copy") return move_or_copy(operation, op, path);
    const json::value* value = operation.if_contains("value");
    if (value == nullptr) return does_not_apply(fmt::format("operation {} has no value", op));
    if (op == "add") return add(path, *value);
    if (op == "replace") {
      ASSIGN_OR_RETURN(json::value * place, find(path));
      *place = *value;
      return {};
    }
    if (op != "test") return does_not_apply(fmt::format("there is no operation \"{}\"", op));
    ASSIGN_OR_RETURN(const json::value* place, find(path));
    if (*place == *value) return {};
    return does_not_apply(fmt::format("test of {} failed", path));
  }

 private:
  static Result<std::string> text_of(const json::object& operation, std::string_view name) {
    const json::value* value = operation.if_contains({name.data(), name.size()});
    if (value == nullptr || !value->is_string()) {
      return does_not_apply(fmt::format("an operation needs \"{}\"", name));
    }
    return std::string(view(value->get_string()));
  }
  static Status drop(const Result<json::value>& taken) {
    if (!taken) return std::unexpected(taken.error());
    return {};
  }
  static std::unexpected<Error> missing(std::string_view path) {
    return does_not_apply(fmt::format("there is no {}", path));
  }

  Result<json::value*> find(const std::string& path) {
    ASSIGN_OR_RETURN(const auto tokens, parse_pointer(path));
    json::value* place = &document_;
    for (const std::string& token : tokens) {
      place = child_of(*place, token);
      if (place == nullptr) return missing(path);
    }
    return place;
  }

  // The container that `path` points into, and the last token.
  Result<std::pair<json::value*, std::string>> find_parent(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return malformed("the whole document cannot be the target");
    ASSIGN_OR_RETURN(const auto tokens, parse_pointer(path));
    ASSIGN_OR_RETURN(json::value * parent, find(path.substr(0, slash)));
    return std::pair(parent, tokens.back());
  }

  Status add(const std::string& path, json::value value) {
    ASSIGN_OR_RETURN(const auto place, find_parent(path));
    const auto& [parent, token] = place;
    if (parent->is_object()) {
      parent->get_object().insert_or_assign(token, std::move(value));
      return {};
    }
    if (!parent->is_array()) return missing(path);
    json::array& list = parent->get_array();
    const auto index =
        token == "-" ? std::optional(list.size()) : parse_index(token, list.size() + 1);
    if (!index) return missing(path);
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
    return {};
  }

  Result<json::value> take_out(const std::string& path) {
    ASSIGN_OR_RETURN(const auto place, find_parent(path));
    const auto& [parent, token] = place;
    json::value* child = child_of(*parent, token);
    if (child == nullptr) return missing(path);
    json::value out = std::move(*child);
    if (parent->is_object()) {
      parent->get_object().erase(token);
    } else {
      json::array& list = parent->get_array();
      list.erase(list.begin() + (child - list.data()));
    }
    return out;
  }

  Status move_or_copy(const json::object& operation, std::string_view op, const std::string& path) {
    ASSIGN_OR_RETURN(const std::string from, text_of(operation, "from"));
    if (op == "move") {
      if (path.starts_with(from + "/")) return malformed("a value cannot move into itself");
      ASSIGN_OR_RETURN(json::value value, take_out(from));
      return add(path, std::move(value));
    }
    ASSIGN_OR_RETURN(const json::value* value, find(from));
    copied_bytes_ += weight_of(*value, kMaxCopiedBytes);
    if (copied_bytes_ > kMaxCopiedBytes) return malformed("its copy operations copy too much");
    return add(path, *value);
  }

  json::value document_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

Result<json::value> apply_json_patch(json::value document, const json::value& patch) {
  if (!patch.is_array()) return malformed("a JSON patch is a list of operations");
  const json::array& operations = patch.get_array();
  if (operations.size() > kMaxOperations) {
    return malformed(fmt::format("{} operations; at most {} are allowed", operations.size(),
                                 kMaxOperations));
  }
  JsonPatch work(std::move(document));
  for (const json::value& operation : operations) {
    if (!operation.is_object()) return malformed("an operation is an object");
    RETURN_IF_ERROR(work.apply(operation.get_object()));
  }
  return work.take();
}

json::value apply_merge_patch(json::value document, const json::value& patch) {
  if (!patch.is_object()) return patch;
  if (!document.is_object()) document.emplace_object();
  json::object& target = document.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      json::value& place = target[key];
      place = apply_merge_patch(std::move(place), value);
    }
  }
  return document;
}

}  // namespace minato::kube
