// The rules of src/lint over a file and, if given, over a directory of Terraform and manifests.
#pragma once

#include <string>
#include <vector>

#include "cloud/catalogue_file.h"
#include "commands.h"
#include "spec/spec.h"

namespace minato::app {

// Takes the directories out of what was named on the command line; the rest are files.
std::vector<std::string> take_directories(std::vector<std::string>& paths);

// Prints the findings, with their lines in the sources. Without a directory, what the file would be rendered to is judged. The exit
// code: kFailed where an error is not waived.
int lint_rules(const spec::Spec& spec, const std::vector<spec::Source>& sources,
               const std::vector<std::string>& directories, const cloud::Catalogue& catalogue,
               const Common& common);

}  // namespace minato::app
