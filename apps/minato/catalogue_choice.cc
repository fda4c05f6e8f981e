#include "catalogue_choice.h"

#include <fmt/format.h>

#include <filesystem>

#include "host/files.h"
#include "spec/instance_types.h"
#include "spec/locate.h"
#include "world.h"

namespace minato::app {
namespace {

constexpr std::size_t kMaxBytes = 256 << 20;

}  // namespace

std::string CatalogueChoice::as_of() const {
  return fmt::format("prices of {} as of {}", kept.region.empty() ? "a region that nobody said" : kept.region,
                     kept.at.empty() ? "a time that nobody said" : kept.at);
}

std::string kept_catalogue_file() { return data_dir() + "/catalogue.json"; }

void add_catalogue_option(CLI::App& command, std::string& file) {
  command.add_option("--catalogue", file,
                     "Instance types and prices (default: what 'minato cloud catalogue --refresh' keeps, else built in)");
}

Result<CataloguePtr> choose_catalogue(const std::string& file) {
  auto out = std::make_unique<CatalogueChoice>();
  const std::string path = file.empty() ? kept_catalogue_file() : file;
  if (file.empty() && !std::filesystem::exists(path)) {
    out->source = "built in";
    out->kept.region = cloud::kBuiltInRegion;
    out->kept.at = cloud::kBuiltInDate;
    return out;
  }
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path, kMaxBytes));
  auto kept = cloud::read_kept_catalogue(text);
  if (!kept) {
    return wrap(path, file.empty() ? Error{kept.error().reason, kept.error().message + "; make it anew with: minato cloud "
                                                                "catalogue --refresh, or remove it"}
                                   : kept.error());
  }
  out->source = path;
  out->kept = std::move(*kept);
  (void)out->catalogue.merge(out->kept.types);
  return out;
}

Result<CataloguePtr> choose_catalogue(const std::string& file, const spec::Spec& spec,
                                      const std::vector<spec::Source>& sources) {
  ASSIGN_OR_RETURN(CataloguePtr out, choose_catalogue(file));
  if (const Status known = spec::check_instance_types(spec, out->catalogue); !known) {
    return std::unexpected(spec::with_places(known.error(), sources));
  }
  if (!out->kept.types.empty() && !out->kept.region.empty() && out->kept.region != spec.region) {
    fmt::print(stderr, "minato: note: {} has {}, and the service is in {}; for its own: minato cloud catalogue --refresh "
                       "--region {}\n", out->source, out->as_of(), spec.region, spec.region);
  }
  return out;
}

}  // namespace minato::app
