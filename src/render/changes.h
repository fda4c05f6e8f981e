// What writing a rendering over a directory would do, so that nothing that people wrote is lost.
//
// The manifest in the directory lists every file that was rendered last, with its digest: a file
// that differs from its digest was edited by hand. Whoever runs on a machine reads the directory,
// makes the digests and writes; here it is only decided. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "render/files.h"

namespace minato::render {

// As `sha256sum --check` reads it.
inline constexpr std::string_view kManifestName = ".minato-rendered.sha256";

using Digests = std::map<std::string, std::string>;  // By path, hexadecimal.

std::string manifest_text(const Digests& digests);
// Errors: Invalid with the line.
Result<Digests> parse_manifest(std::string_view text);

struct Existing {
  Files texts;      // Of every path that is rendered now or was then, where it exists.
  Digests digests;  // Of those texts.
};

struct Change {
  enum class Kind { kSame, kCreate, kUpdate, kRemove, kEdited };
  Kind kind = Kind::kSame;
  std::string path;
  // kEdited: written by hand, or changed since it was rendered, and not what is rendered now.
};
std::string_view to_string(Change::Kind kind);

// By path.
std::vector<Change> plan_changes(const Files& rendered, const Existing& existing,
                                 const Digests& manifest);

}  // namespace minato::render
