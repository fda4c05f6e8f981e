#include "autoscaler/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/strings.h"

namespace minato::autoscaler {
namespace {

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(Reason::kInvalid, fmt::format("pattern \"{}\": {}", text, why));
}

}  // namespace

bool Pattern::Atom::accepts(char c) const {
  if (any) return true;
  const bool listed = std::ranges::any_of(
      ranges, [&](const auto& range) { return range.first <= c && c <= range.second; });
  return listed != negated;
}

Result<std::size_t> Pattern::parse_atom(std::string_view text, std::size_t at, Atom& out) {
  const char c = text[at];
  if (c == '.') {
    out.any = true;
    return at + 1;
  }
  if (c == '\\') {
    if (at + 1 == text.size()) return refuse(text, "ends in a backslash");
    if (std::isalnum(static_cast<unsigned char>(text[at + 1]))) {
      return refuse(text, "named classes are not known here");
    }
    out.ranges.emplace_back(text[at + 1], text[at + 1]);
    return at + 2;
  }
  if (c != '[') {
    if (std::string_view("(){}*+?]").find(c) != std::string_view::npos) {
      return refuse(text, fmt::format("'{}' is not known here", c));
    }
    out.ranges.emplace_back(c, c);
    return at + 1;
  }
  const std::size_t end = text.find(']', at + 2);
  if (end == std::string_view::npos) return refuse(text, "a class is not closed");
  std::string_view inside = text.substr(at + 1, end - at - 1);
  out.negated = inside.starts_with('^');
  if (out.negated) inside.remove_prefix(1);
  for (std::size_t i = 0; i < inside.size(); ++i) {
    const bool range = i + 2 < inside.size() && inside[i + 1] == '-';
    out.ranges.emplace_back(inside[i], range ? inside[i + 2] : inside[i]);
    if (range) i += 2;
  }
  return end + 1;
}

Result<Pattern::Branch> Pattern::parse_branch(std::string_view text) {
  Branch out;
  if (text.starts_with('^')) {
    out.at_start = true;
    text.remove_prefix(1);
  }
  if (text.ends_with('$') && !text.ends_with("\\$")) {
    out.at_end = true;
    text.remove_suffix(1);
  }
  for (std::size_t at = 0; at < text.size();) {
    Atom atom;
    ASSIGN_OR_RETURN(at, parse_atom(text, at, atom));
    const char repeat = at < text.size() ? text[at] : ' ';
    if (repeat == '*') atom.repeat = Repeat::kAny;
    if (repeat == '+') atom.repeat = Repeat::kSome;
    if (repeat == '?') atom.repeat = Repeat::kOptional;
    if (atom.repeat != Repeat::kOnce) ++at;
    out.atoms.push_back(std::move(atom));
  }
  return out;
}

Result<Pattern> Pattern::parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxLength) return refuse(text, "is empty or too long");
  Pattern out;
  for (const std::string& part : split(text, '|')) {
    ASSIGN_OR_RETURN(Branch branch, parse_branch(part));
    out.branches_.push_back(std::move(branch));
  }
  return out;
}

bool Pattern::matches_at(const Branch& branch, std::size_t atom, std::string_view text) {
  if (atom == branch.atoms.size()) return !branch.at_end || text.empty();
  const Atom& next = branch.atoms[atom];
  const bool takes = !text.empty() && next.accepts(text.front());
  switch (next.repeat) {
    case Repeat::kOnce: return takes && matches_at(branch, atom + 1, text.substr(1));
    case Repeat::kOptional:
      return (takes && matches_at(branch, atom + 1, text.substr(1))) ||
             matches_at(branch, atom + 1, text);
    case Repeat::kSome:
    case Repeat::kAny: break;
  }
  std::size_t most = 0;
  while (most < text.size() && next.accepts(text[most])) ++most;
  const std::size_t least = next.repeat == Repeat::kSome ? 1 : 0;
  for (std::size_t taken = most + 1; taken-- > least;) {
    if (matches_at(branch, atom + 1, text.substr(taken))) return true;
  }
  return false;
}

bool Pattern::matches(std::string_view text) const {
  return std::ranges::any_of(branches_, [&](const Branch& branch) {
    const std::size_t last = branch.at_start ? 0 : text.size();
    for (std::size_t start = 0; start <= last; ++start) {
      if (matches_at(branch, 0, text.substr(start))) return true;
    }
    return false;
  });
}

}  // namespace minato::autoscaler
