#include "render/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.h"

namespace minato::render {
namespace {

constexpr std::size_t kHexDigits = 64;

// A manifest is input: no path in it may lead out of the directory.
bool stays_inside(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  return std::ranges::none_of(split(path, '/'), [](const std::string& part) {
    return part.empty() || part == "." || part == "..";
  });
}

}  // namespace

std::string manifest_text(const Digests& digests) {
  std::string out;
  for (const auto& [path, digest] : digests) out += fmt::format("{}  {}\n", digest, path);
  return out;
}

Result<Digests> parse_manifest(std::string_view text) {
  Digests out;
  std::size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const std::string digest = line.substr(0, kHexDigits);
    const bool hex = digest.size() == kHexDigits &&
                     digest.find_first_not_of("0123456789abcdef") == std::string::npos;
    const std::string path = line.size() > kHexDigits + 2 ? line.substr(kHexDigits + 2) : "";
    if (!hex || line.substr(kHexDigits, 2) != "  " || !stays_inside(path)) {
      return fail(Reason::kInvalid,
                  fmt::format("{}:{}: not a line of sha256sum for a file below; remove the file to "
                              "have every rendered file treated as edited by hand",
                              kManifestName, number));
    }
    out.emplace(path, digest);
  }
  return out;
}

std::string_view to_string(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kSame: return "same";
    case Change::Kind::kCreate: return "create";
    case Change::Kind::kUpdate: return "update";
    case Change::Kind::kRemove: return "remove";
    case Change::Kind::kEdited: return "edited";
  }
  return {};
}

std::vector<Change> plan_changes(const Files& rendered, const Existing& existing,
                                 const Digests& manifest) {
  std::set<std::string> paths;
  for (const auto& [path, text] : rendered) paths.insert(path);
  for (const auto& [path, digest] : manifest) paths.insert(path);
  std::vector<Change> out;
  for (const std::string& path : paths) {
    const auto now = rendered.find(path);
    const auto there = existing.texts.find(path);
    const auto then = manifest.find(path);
    const bool untouched = there != existing.texts.end() && then != manifest.end() &&
                           existing.digests.at(path) == then->second;
    Change change{.path = path};
    if (there == existing.texts.end()) {
      if (now == rendered.end()) continue;
      change.kind = Change::Kind::kCreate;
    } else if (now != rendered.end() && there->second == now->second) {
      change.kind = Change::Kind::kSame;
    } else if (!untouched) {
      change.kind = Change::Kind::kEdited;
    } else {
      change.kind = now == rendered.end() ? Change::Kind::kRemove : Change::Kind::kUpdate;
    }
    out.push_back(std::move(change));
  }
  return out;
}

}  // namespace minato::render
