#include "local/world_config.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "host/files.h"
#include "image/reference.h"

namespace minato::local {
namespace json = boost::json;

constexpr std::size_t kMaxCatalogueBytes = 64 << 20;

std::string WorldConfig::url() const {
  const auto spec = spec_of(*this);
  const std::string domain = spec ? spec->domain : name + ".localhost";
  return https_port == 443 ? "https://" + domain + "/"
                           : fmt::format("https://{}:{}/", domain, https_port);
}

Status save(const WorldConfig& config) {
  json::array sources;
  for (const spec::Source& source : config.sources) {
    sources.push_back(json::object{{"name", source.name}, {"text", source.text}});
  }
  json::object secrets;
  for (const auto& [name, value] : config.secrets) secrets[name] = value;
  const json::object out{{"name", config.name},
                         {"runDir", config.run_dir},
                         {"imageCacheDir", config.image_cache_dir},
                         {"sources", std::move(sources)},
                         {"directory", config.directory},
                         {"image", config.image},
                         {"secrets", std::move(secrets)},
                         {"httpsPort", config.https_port},
                         {"httpPort", config.http_port},
                         {"apiPort", config.api_port},
                         {"startedBy", config.started_by}};
  return host::write_file_atomic(config.path(), json::serialize(out), 0600);
}

Result<WorldConfig> load_world_config(const std::string& state_dir) {
  ASSIGN_OR_RETURN(const std::string content, host::read_file(state_dir + "/world.json"));
  try {
    const json::object in = json::parse(content).as_object();
    const auto text = [&](const char* name) { return std::string(in.at(name).as_string()); };
    WorldConfig out;
    out.name = text("name");
    out.state_dir = state_dir;
    out.run_dir = text("runDir");
    out.image_cache_dir = text("imageCacheDir");
    out.directory = text("directory");
    out.image = text("image");
    out.started_by = text("startedBy");
    out.https_port = in.at("httpsPort").to_number<std::uint16_t>();
    out.http_port = in.at("httpPort").to_number<std::uint16_t>();
    if (const json::value* port = in.if_contains("apiPort")) out.api_port = port->to_number<std::uint16_t>();
    for (const json::value& source : in.at("sources").as_array()) {
      out.sources.push_back({std::string(source.at("name").as_string()),
                             std::string(source.at("text").as_string())});
    }
    for (const auto& [name, value] : in.at("secrets").as_object()) {
      out.secrets.emplace(std::string(name), std::string(value.as_string()));
    }
    return out;
  } catch (const std::exception& error) {
    return fail(Reason::kInvalid, fmt::format("{}/world.json is damaged ({}); run 'minato down' and "
                                              "start again", state_dir, error.what()));
  }
}

Status save_catalogue(const WorldConfig& config, const cloud::KeptCatalogue& kept) {
  return host::write_file_atomic(config.catalogue_path(), cloud::to_json(kept), 0600);
}

Result<std::unique_ptr<cloud::Catalogue>> load_catalogue(const std::string& state_dir) {
  auto out = std::make_unique<cloud::Catalogue>();
  const std::string path = WorldConfig{.state_dir = state_dir}.catalogue_path();
  const auto text = host::read_file(path, kMaxCatalogueBytes);
  // Worlds of before catalogues were kept have the built-in one.
  if (failed_with(text, Reason::kNotFound)) return out;
  if (!text) return std::unexpected(text.error());
  const auto kept = cloud::read_kept_catalogue(*text);
  if (!kept) return wrap(path, kept.error());
  (void)out->merge(kept->types);
  return out;
}

Result<spec::Spec> spec_of(const WorldConfig& config) {
  ASSIGN_OR_RETURN(spec::Spec spec, spec::read(config.sources));
  if (!config.image.empty()) spec.image = config.image;
  ASSIGN_OR_RETURN(spec.image, image::resolve_relative(spec.image, config.directory));
  for (spec::Sidecar& sidecar : spec.sidecars) {
    ASSIGN_OR_RETURN(sidecar.image, image::resolve_relative(sidecar.image, config.directory));
  }
  return spec;
}

}  // namespace minato::local
