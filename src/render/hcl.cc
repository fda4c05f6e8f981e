#include "render/hcl.h"

#include <algorithm>

#include "base/strings.h"

namespace minato::render {
namespace {

struct Line {
  std::string lead;     // Up to '='.
  std::string assign;   // "= value"; empty where the line assigns no whole expression.
  std::string comment;  // "# …" behind something else.
};

// Columns as people see them: bytes that continue a UTF-8 sequence take none.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string rtrim(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

// The place behind the string that begins at `at`, over interpolations and what they quote.
std::size_t skip_string(std::string_view line, std::size_t at) {
  std::size_t i = at + 1;
  int depth = 0;
  while (i < line.size()) {
    if (line[i] == '\\') {
      i += 2;
    } else if (line[i] == '"') {
      if (depth == 0) return i + 1;
      i = skip_string(line, i);
    } else if (line.substr(i).starts_with("${")) {
      ++depth;
      i += 2;
    } else {
      if (line[i] == '}' && depth > 0) --depth;
      ++i;
    }
  }
  return i;
}

bool is_single_equal(std::string_view line, std::size_t i) {
  const char before = i == 0 ? ' ' : line[i - 1];
  const char after = i + 1 < line.size() ? line[i + 1] : ' ';
  return line[i] == '=' && after != '=' && after != '>' &&
         std::string_view("=!<>").find(before) == std::string_view::npos;
}

Line cut(std::string_view line) {
  Line out;
  std::size_t equal = std::string_view::npos, comment = std::string_view::npos;
  int net_brackets = 0;
  for (std::size_t i = 0; i < line.size();) {
    const char c = line[i];
    if (c == '"') {
      i = skip_string(line, i);
      continue;
    }
    if (c == '#') {
      comment = i;
      break;
    }
    if (equal == std::string_view::npos && is_single_equal(line, i)) equal = i;
    if (equal != std::string_view::npos) {
      if (c == '{' || c == '[' || c == '(') ++net_brackets;
      if (c == '}' || c == ']' || c == ')') --net_brackets;
    }
    ++i;
  }
  const bool alone = comment != std::string_view::npos && trim(line.substr(0, comment)).empty();
  if (comment != std::string_view::npos && !alone) {
    out.comment = line.substr(comment);
    line = line.substr(0, comment);
  }
  if (equal != std::string_view::npos && net_brackets == 0 && !alone) {
    out.assign = rtrim(line.substr(equal));
    line = line.substr(0, equal);
  }
  out.lead = rtrim(line);
  return out;
}

// Calls `align(first, last)` for each longest run of lines for which `member` holds.
template <class Member, class Align>
void runs(std::size_t count, const Member& member, const Align& align) {
  for (std::size_t first = 0; first < count;) {
    std::size_t last = first;
    while (last < count && member(last)) ++last;
    if (last > first) align(first, last);
    first = std::max(last, first + 1);
  }
}

}  // namespace

std::string hcl_quote(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    out += c;
    // "${" and "%{" would be expressions; doubled, the sign is itself.
    if ((c == '$' || c == '%') && text.substr(i + 1).starts_with('{')) out += c;
  }
  return out + "\"";
}

std::string hcl_list(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(hcl_quote(text));
  return "[" + join(quoted, ", ") + "]";
}

std::string hcl_align(std::string_view text) {
  std::vector<Line> lines;
  for (const std::string& line : split(text, '\n')) lines.push_back(cut(line));
  runs(
      lines.size(), [&](std::size_t i) { return !lines[i].assign.empty(); },
      [&](std::size_t first, std::size_t last) {
        std::size_t width = 0;
        for (std::size_t i = first; i < last; ++i) width = std::max(width, columns(lines[i].lead));
        for (std::size_t i = first; i < last; ++i)
          lines[i].lead.append(width - columns(lines[i].lead) + 1, ' ');
      });
  runs(
      lines.size(), [&](std::size_t i) { return !lines[i].comment.empty(); },
      [&](std::size_t first, std::size_t last) {
        const auto width_of = [&](std::size_t i) {
          return columns(lines[i].lead) + columns(lines[i].assign);
        };
        std::size_t width = 0;
        for (std::size_t i = first; i < last; ++i) width = std::max(width, width_of(i));
        for (std::size_t i = first; i < last; ++i) {
          std::string& before = lines[i].assign.empty() ? lines[i].lead : lines[i].assign;
          before.append(width - width_of(i) + 1, ' ');
        }
      });
  std::vector<std::string> out;
  for (const Line& line : lines) out.push_back(line.lead + line.assign + line.comment);
  return join(out, "\n");
}

}  // namespace minato::render
