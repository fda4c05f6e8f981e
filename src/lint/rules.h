// The groups of rules, one function each. Internal to the module.
#pragma once

#include <functional>
#include <string>

#include "lint/hcl_reader.h"
#include "lint/lint.h"
#include "lint/manifests.h"

namespace minato::lint {

// Takes what a rule found: its id, the place, the sentence.
using Sink = std::function<void(std::string_view rule, std::string place, std::string message)>;

void check_spec(const spec::Spec& spec, const cloud::Catalogue& catalogue, WallTime now,
                const Sink& found);
void check_timings(const spec::Spec& spec, const Sink& found);
void check_manifests(const Manifests& manifests, const Sink& found);
void check_terraform(const HclModule& module, const Sink& found);
void check_across(const HclModule& module, const Manifests& manifests, const Sink& found);

}  // namespace minato::lint
