// What a local world was asked to be: the file as read, secret values, ports. Written by `minato up`
// (0600, in the world's 0700 directory) and by deploys, read by the control process at each start.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "blueprint/blueprint.h"
#include "cloud/kept_catalogue.h"
#include "spec/spec.h"

namespace minato::local {

struct WorldConfig {
  std::string name;
  std::string state_dir;
  std::string run_dir;
  std::string image_cache_dir;
  std::vector<spec::Source> sources;  // The file and its overlays.
  std::string directory;              // What relative paths in them are relative to.
  std::string image;                  // Deployed over the file's; "" for the file's.
  blueprint::SecretValues secrets;
  std::uint16_t https_port = 0;  // As bound on the host.
  std::uint16_t http_port = 0;
  std::uint16_t api_port = 0;    // Of the Kubernetes API; 0: none.
  std::string started_by;  // Version of minato, for people.

  std::string path() const { return state_dir + "/world.json"; }
  std::string catalogue_path() const { return state_dir + "/catalogue.json"; }
  std::string url() const;
};

Status save(const WorldConfig& config);
Result<WorldConfig> load_world_config(const std::string& state_dir);

// The instance types and prices that the world was started with; they stay for as long as it is up.
Status save_catalogue(const WorldConfig& config, const cloud::KeptCatalogue& kept);
Result<std::unique_ptr<cloud::Catalogue>> load_catalogue(const std::string& state_dir);

// The spec of the configuration, with paths made absolute and the deployed image in place.
Result<spec::Spec> spec_of(const WorldConfig& config);

}  // namespace minato::local
