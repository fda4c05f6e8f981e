// Whether the service will hold: rules over the file, over Terraform and manifests (rendered by
// minato or written by others), and across the two.
//
// Every rule has an id that stays, a reason, where it comes from, and what to do. A waiver in the
// file, with its own reason, turns findings of its rule into notes. Pure: no file access and no
// clock; what cannot be read is not judged.
// Rules: eks-rendering checklist (b1 to b12); ids are those of the checklist, S and X are ours
// (timing, and cross-checks).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "cloud/catalogue_file.h"
#include "render/files.h"
#include "spec/spec.h"

namespace minato::lint {

enum class Severity { kError, kWarning, kNote };
std::string_view to_string(Severity severity);

struct Rule {
  std::string_view id;
  Severity severity;
  std::string_view reason;  // Why it matters.
  std::string_view source;  // Who says so.
  std::string_view fix;
};
// By id.
std::span<const Rule> rules();
const Rule* find_rule(std::string_view id);

struct Finding {
  const Rule* rule = nullptr;
  std::string place;    // Key of the file, or path of a rendered one.
  std::string message;  // What is so, with the numbers.
  std::string waived;   // The waiver's reason; "": none.
  bool blocks() const { return rule->severity == Severity::kError && waived.empty(); }
};

// Findings by severity, then rule, then place. `files` may be empty: then the file alone is judged.
std::vector<Finding> check(const spec::Spec& spec, const render::Files& files,
                           const cloud::Catalogue& catalogue, WallTime now);

}  // namespace minato::lint
