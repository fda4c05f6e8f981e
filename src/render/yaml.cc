#include "render/yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/strings.h"

namespace minato::render {
namespace json = boost::json;
namespace {

constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on",
                                       "off",  "null",  "~",   "y",  "n"};

// Plain where every reader of YAML 1.1 and 1.2 agrees that it is text.
bool is_plain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" ._/:@-+=()[]$;,'").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(text, plain) || text.find(": ") != std::string_view::npos ||
      text.back() == ':')
    return false;
  const char first = text.front();
  const bool letter =
      (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/';
  // A digit first is a number, a time or a version to some reader, unless it is a plain quantity.
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view suffix = text.substr(digits);
  const bool named =
      digits > 0 && (suffix == "m" || suffix == "Ki" || suffix == "Mi" || suffix == "Gi");
  if (!letter && !named) return false;
  const std::string lower = to_lower(text);
  return std::ranges::find(kWords, lower) == std::end(kWords);
}

// Several lines whose first gives the indentation, ended by at most one line break.
bool fits_block(std::string_view text) {
  return text.find('\n') != std::string_view::npos && text.front() != ' ' && text.front() != '\n' &&
         !text.ends_with("\n\n") &&
         std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c != 0x7F); });
}

std::string quote(std::string_view text) { return json::serialize(json::string(text)); }

class Writer {
 public:
  explicit Writer(const Comments& comments) : comments_(comments) {}

  void members(const json::object& object, const std::string& path, int indent) {
    for (const auto& [key, value] : object) {
      const std::string at =
          path.empty() ? std::string(key) : fmt::format("{}.{}", path, std::string_view(key));
      out_.append(static_cast<std::size_t>(indent), ' ');
      member(std::string(key), value, at, indent);
    }
  }

  std::string take() { return std::move(out_); }

  void member(const std::string& key, const json::value& value, const std::string& at, int indent) {
    out_ += is_plain(key) ? key : quote(key);
    out_ += ':';
    rest(value, at, indent, indent + 2);
  }

 private:
  void end_line(const std::string& path) {
    const auto comment = comments_.find(path);
    if (comment != comments_.end()) out_ += "  # " + comment->second;
    out_ += '\n';
  }

  void block_text(std::string_view text, const std::string& at, int indent) {
    out_ += text.ends_with('\n') ? " |" : " |-";
    end_line(at);
    if (text.ends_with('\n')) text.remove_suffix(1);
    for (const std::string& line : split(text, '\n')) {
      if (!line.empty()) out_.append(static_cast<std::size_t>(indent), ' ');
      out_ += line + '\n';
    }
  }

  // What stands behind "key:".
  void rest(const json::value& value, const std::string& at, int list_indent, int indent) {
    if (value.is_object() && !value.get_object().empty()) {
      end_line(at);
      members(value.get_object(), at, indent);
    } else if (value.is_array() && !value.get_array().empty()) {
      end_line(at);
      items(value.get_array(), at, list_indent);
    } else if (value.is_string() && fits_block(value.get_string())) {
      block_text(value.get_string(), at, indent);
    } else {
      out_ += ' ' + yaml_scalar(value);
      end_line(at);
    }
  }

  void items(const json::array& list, const std::string& path, int indent) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      out_.append(static_cast<std::size_t>(indent), ' ');
      out_ += '-';
      const json::value& item = list[i];
      if (!item.is_object() || item.get_object().empty()) {
        rest(item, at, indent + 2, indent + 2);
        continue;
      }
      bool first = true;
      for (const auto& [key, value] : item.get_object()) {
        out_.append(first ? 1 : static_cast<std::size_t>(indent) + 2, ' ');
        first = false;
        member(std::string(key), value, fmt::format("{}.{}", at, std::string_view(key)),
               indent + 2);
      }
    }
  }

  const Comments& comments_;
  std::string out_;
};

}  // namespace

std::string yaml_scalar(const json::value& value) {
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    return is_plain(text) ? std::string(text) : quote(text);
  }
  return json::serialize(value);
}

std::string to_yaml(const json::value& value, const Comments& comments) {
  if (!value.is_object()) return yaml_scalar(value) + "\n";
  Writer writer(comments);
  writer.members(value.get_object(), "", 0);
  return writer.take();
}

}  // namespace minato::render
