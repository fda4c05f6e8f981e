#include "image/user.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "base/strings.h"
#include "image/layer_view.h"

namespace minato::image {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;
constexpr std::int64_t kLargestId = std::numeric_limits<std::int32_t>::max();

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::uint32_t> parse_id(std::string_view text, std::string_view where) {
  const auto number = is_digits(text) ? parse_int(text) : fail(Reason::kInvalid, "");
  if (number && *number <= kLargestId) return static_cast<std::uint32_t>(*number);
  return fail(Reason::kInvalid, fmt::format("{} has the id \"{}\"; ids are numbers from 0 to {}",
                                            where, text.substr(0, 40), kLargestId));
}

// The lines of a colon-separated file with at least `fields` fields.
std::vector<std::vector<std::string>> records(const std::string& text, std::size_t fields) {
  std::vector<std::vector<std::string>> out;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    auto parts = split(line, ':');
    if (parts.size() >= fields) out.push_back(std::move(parts));
  }
  return out;
}

// An image without the file has no users by name; that is common and no error.
Result<std::string> read_optional(const LayerView& view, std::string_view path) {
  auto text = view.read_file(path, kFileLimit);
  if (failed_with(text, Reason::kNotFound)) return std::string();
  return text;
}

struct Wanted {
  std::string text;
  std::optional<std::uint32_t> id;  // When the text is a number.
};

Result<Wanted> parse_wanted(std::string_view text, std::string_view what) {
  Wanted out{.text = std::string(text), .id = {}};
  if (is_digits(text)) {
    ASSIGN_OR_RETURN(out.id, parse_id(text, fmt::format("the {}", what)));
  }
  return out;
}

// Name or number, the first line that fits.
bool fits(const Wanted& wanted, const std::string& name, const std::string& id) {
  if (name == wanted.text) return true;
  const auto number = parse_int(id);
  return wanted.id && number && *number == *wanted.id;
}

Status apply_passwd(const std::string& passwd, const Wanted& wanted, ResolvedUser& out,
                    std::string& name) {
  for (const auto& fields : records(passwd, 6)) {
    if (!fits(wanted, fields[0], fields[2])) continue;
    const std::string where = fmt::format("user \"{}\" in the image's /etc/passwd", fields[0]);
    ASSIGN_OR_RETURN(out.uid, parse_id(fields[2], where));
    ASSIGN_OR_RETURN(out.gid, parse_id(fields[3], where));
    if (!fields[5].empty()) out.home = fields[5];
    name = fields[0];
    return {};
  }
  if (!wanted.id) {
    return fail(Reason::kInvalid,
                fmt::format("user \"{}\" is not in the image's /etc/passwd; give a numeric user or "
                            "add it to the image",
                            wanted.text));
  }
  out.uid = *wanted.id;
  return {};
}

Status apply_group(const std::string& group, const Wanted& wanted, ResolvedUser& out) {
  for (const auto& fields : records(group, 3)) {
    if (!fits(wanted, fields[0], fields[2])) continue;
    ASSIGN_OR_RETURN(
        out.gid,
        parse_id(fields[2], fmt::format("group \"{}\" in the image's /etc/group", fields[0])));
    return {};
  }
  if (!wanted.id) {
    return fail(Reason::kInvalid,
                fmt::format("group \"{}\" is not in the image's /etc/group; give a numeric group "
                            "or add it to the image",
                            wanted.text));
  }
  out.gid = *wanted.id;
  return {};
}

Status add_supplementary(const std::string& group, const std::string& name, ResolvedUser& out) {
  std::set<std::uint32_t> gids;
  for (const auto& fields : records(group, 4)) {
    const auto members = split(fields[3], ',');
    if (std::ranges::find(members, name) == members.end()) continue;
    ASSIGN_OR_RETURN(const std::uint32_t gid,
                     parse_id(fields[2],
                              fmt::format("group \"{}\" in the image's /etc/group", fields[0])));
    gids.insert(gid);
  }
  out.supplementary_gids.assign(gids.begin(), gids.end());
  return {};
}

}  // namespace

Result<ResolvedUser> resolve_user(const std::vector<std::string>& layers, std::string_view user) {
  const std::size_t colon = user.find(':');
  const bool has_group = colon != std::string_view::npos;
  const std::string_view user_text = user.substr(0, colon);
  if (has_group && (user_text.empty() || colon + 1 == user.size())) {
    return fail(Reason::kInvalid,
                fmt::format("user \"{}\" is not of the form \"user\" or \"user:group\"", user));
  }
  ASSIGN_OR_RETURN(const Wanted wanted, parse_wanted(user_text.empty() ? "0" : user_text, "user"));
  ASSIGN_OR_RETURN(const LayerView view, LayerView::open(layers));
  ASSIGN_OR_RETURN(const std::string passwd, read_optional(view, "/etc/passwd"));
  ASSIGN_OR_RETURN(const std::string group, read_optional(view, "/etc/group"));
  ResolvedUser out;
  std::string name;
  RETURN_IF_ERROR(apply_passwd(passwd, wanted, out, name));
  if (has_group) {
    ASSIGN_OR_RETURN(const Wanted wanted_group, parse_wanted(user.substr(colon + 1), "group"));
    RETURN_IF_ERROR(apply_group(group, wanted_group, out));
  } else if (!name.empty()) {
    RETURN_IF_ERROR(add_supplementary(group, name, out));
  }
  return out;
}

}  // namespace minato::image
