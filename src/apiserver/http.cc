#include "apiserver/http.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"

namespace minato::apiserver {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { kSpace, kPlus };

bool unescape(std::string_view text, Plus plus, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == Plus::kSpace) {
      c = ' ';
    }
    // Names have none; what has them wants to confuse a log or a header. Commands to run may.
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (c == '\0' || (control && plus == Plus::kPlus)) return false;
    out += c;
  }
  return true;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string_view Url::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

bool Url::has(std::string_view name) const {
  return std::ranges::any_of(query, [&](const auto& entry) { return entry.first == name; });
}

std::vector<std::string> Url::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : query) {
    if (key == name) out.push_back(value);
  }
  return out;
}

bool Url::flag(std::string_view name) const {
  const std::string_view value = parameter(name);
  return value == "1" || value == "t" || value == "T" || value == "true" || value == "True" ||
         value == "TRUE";
}

bool parse_url(std::string_view target, Url& out) {
  out = {};
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  if (!path.starts_with('/')) return false;
  for (const std::string& part : split(path.substr(1), '/')) {
    std::string segment;
    if (!unescape(part, Plus::kPlus, segment)) return false;
    if (segment.empty()) continue;
    // An escaped slash would make one name look like two further on.
    if (segment == "." || segment == ".." || segment.find('/') != std::string::npos) return false;
    out.path.append(1, '/').append(segment);
    out.segments.push_back(std::move(segment));
  }
  if (out.path.empty()) out.path = "/";
  if (mark == std::string_view::npos) return true;
  for (const std::string& part : split(target.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    std::string key, value;
    if (!unescape(std::string_view(part).substr(0, equals), Plus::kSpace, key)) return false;
    if (equals != std::string::npos &&
        !unescape(std::string_view(part).substr(equals + 1), Plus::kSpace, value)) {
      return false;
    }
    out.query.emplace_back(std::move(key), std::move(value));
  }
  return true;
}

}  // namespace minato::apiserver
