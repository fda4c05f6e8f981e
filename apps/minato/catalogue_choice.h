// Which catalogue of instance types is in force: the file that was named, else the one that `minato
// cloud catalogue` keeps, else what is built in.
//
// Kept in $XDG_DATA_HOME/minato, else ~/.local/share/minato (root: /var/lib/minato). A world keeps a copy of
// what was in force when it was started, so that prices do not change under it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cloud/kept_catalogue.h"
#include "commands.h"
#include "spec/spec.h"

namespace minato::app {

struct CatalogueChoice {
  std::string source;           // "built in", or the file.
  cloud::KeptCatalogue kept;    // What was read; its region and date are those of `source`.
  cloud::Catalogue catalogue;
  std::string as_of() const;    // "prices of eu-west-1 as of 2026-11-23T10:00:00Z"
};
using CataloguePtr = std::unique_ptr<CatalogueChoice>;

std::string kept_catalogue_file();
void add_catalogue_option(CLI::App& command, std::string& file);
// `file` may be "". Errors: those of reading it.
Result<CataloguePtr> choose_catalogue(const std::string& file);
// The same for a file of a service: each of its types must be known; where prices are another
// region's, a line on standard error says so. `sources` give errors their lines.
Result<CataloguePtr> choose_catalogue(const std::string& file, const spec::Spec& spec,
                                      const std::vector<spec::Source>& sources);

}  // namespace minato::app
