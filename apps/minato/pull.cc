#include "pull.h"

#include <fmt/format.h>

#include <chrono>

#include "base/time.h"
#include "commands.h"
#include "host/files.h"
#include "image/store.h"
#include "linux_net/user_namespace.h"
#include "world.h"

namespace minato::app {
namespace {

using container::PullPolicy;

void report(const image::StoredImage& stored, Duration taken) {
  fmt::print(stderr, "  {}, {:.1f} MiB in {} layers, {}\n", stored.image.digest,
             static_cast<double>(stored.image.size_bytes) / (1 << 20), stored.layers.size(), format_duration(taken));
}

Status pull_image(const image::ImageStore& store, const std::string& reference) {
  fmt::print(stderr, "pulling {}\n", reference);
  const auto began = std::chrono::steady_clock::now();
  const auto pulled = store.pull(reference, PullPolicy::kAlways);
  if (pulled) {
    report(*pulled, std::chrono::steady_clock::now() - began);
    return {};
  }
  if (!failed_with(pulled, Reason::kUnavailable)) return std::unexpected(pulled.error());
  if (!store.pull(reference, PullPolicy::kNever)) return std::unexpected(pulled.error());
  fmt::print(stderr, "  {}; what was pulled before is used\n", pulled.error().message);
  return {};
}

Status fill_store(const std::string& directory, const std::vector<std::string>& references) {
  image::Options options;
  options.auth_files = image::default_auth_files();
  RETURN_IF_ERROR(host::make_directories(directory, 0700));
  ASSIGN_OR_RETURN(const image::ImageStore store, image::ImageStore::open(directory, std::move(options)));
  for (const std::string& text : references) RETURN_IF_ERROR(pull_image(store, text));
  return {};
}

Status check_remote(const std::vector<std::string>& references) {
  for (const std::string& text : references) {
    ASSIGN_OR_RETURN(const image::Reference reference, image::Reference::parse(text));
    if (reference.kind != image::Reference::Kind::kRegistry)
      return fail(Reason::kInvalid, fmt::format("{} is on this machine already; only images of registries are pulled", text));
  }
  return {};
}

}  // namespace

std::vector<std::string> images_of(const spec::Spec& spec) {
  std::vector<std::string> out{spec.image};
  for (const spec::Sidecar& sidecar : spec.sidecars) out.push_back(sidecar.image);
  return out;
}

Status pull_images(const std::vector<std::string>& references) {
  std::vector<std::string> remote;
  for (const std::string& text : references) {
    ASSIGN_OR_RETURN(const image::Reference reference, image::Reference::parse(text));
    if (reference.kind == image::Reference::Kind::kRegistry) remote.push_back(text);
  }
  if (remote.empty()) return {};
  // The store of whoever calls, with the owners of files that a world of theirs will find.
  const std::string directory = image_cache_dir();
  return linux_net::run_with_world_ids([&] { return fill_store(directory, remote); });
}

void add_pull(CLI::App& app, int& exit_code) {
  auto references = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(
      "pull", "Bring images of registries here, for worlds to use; up and deploy do it by themselves");
  command->add_option("IMAGE", *references, "docker://NAME[:TAG|@DIGEST]")->required();
  command->callback([references, &exit_code] {
    Status pulled = check_remote(*references);
    if (pulled) pulled = pull_images(*references);
    exit_code = pulled ? static_cast<int>(kDone) : fail_with(pulled.error());
  });
}

}  // namespace minato::app
