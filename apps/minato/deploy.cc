#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "ask.h"
#include "image/reference.h"
#include "local/world_config.h"
#include "pull.h"
#include "secrets.h"
#include "sources.h"
#include "spec/instance_types.h"
#include "spec/locate.h"

namespace minato::app {
namespace json = boost::json;
namespace {


struct DeployArguments {
  Common common;
  std::string image;
  std::vector<std::string> files;
  std::string revision;
  bool no_wait = false;
  bool no_rollback = false;
};

// Progress lines as they come; the end of the answer is the rollout's.
int follow_rollout(const World& world, const control::Request& request, const DeployArguments& arguments) {
  const Status status =
      control::Client(world.control_socket()).call(request, [&](const json::value& line) {
        if (arguments.common.json()) {
          fmt::print("{}\n", json::serialize(line));
        } else {
          fmt::print("{}\n", text(line, "message"));
        }
        std::fflush(stdout);
        return true;
      });
  return status ? kDone : fail_with(status.error(), arguments.common);
}

// Relative paths are the caller's, not the control process's.
Result<std::string> absolute_image(const std::string& image) {
  if (image.empty()) return image;  // A file is deployed instead.
  return image::resolve_relative(image, std::filesystem::current_path().string());
}

struct ChangedFile {
  std::vector<std::string> images;
  json::array sources;
  json::object secrets;
};

// The secrets are read here: the control process never sees the caller's environment.
Result<ChangedFile> read_changed_file(const World& world, const DeployArguments& arguments) {
  ChangedFile out;
  if (arguments.files.empty()) return out;
  ASSIGN_OR_RETURN(const auto sources, read_sources(arguments.files));
  ASSIGN_OR_RETURN(const spec::Spec spec, spec::read(sources));
  ASSIGN_OR_RETURN(const auto types, local::load_catalogue(world.state_dir));
  if (const Status known = spec::check_instance_types(spec, *types); !known) {
    return wrap("this world has the catalogue of when it was started, so end it and start it again with a newer one",
                spec::with_places(known.error(), sources));
  }
  out.images = images_of(spec);
  const std::string directory = std::filesystem::absolute(arguments.files.front()).parent_path().string();
  const auto before = local::load_world_config(world.state_dir);
  ASSIGN_OR_RETURN(const auto secrets,
                   resolve_secrets(spec, directory, before ? before->secrets : blueprint::SecretValues{}));
  for (const auto& [name, value] : secrets) out.secrets[name] = value;
  for (const spec::Source& source : sources) {
    out.sources.push_back(json::object{{"name", source.name}, {"text", source.text}, {"directory", directory}});
  }
  return out;
}

int deploy(const DeployArguments& arguments) {
  if (arguments.image.empty() && arguments.files.empty()) {
    return fail_with(Error{Reason::kBadRequest, "say what to deploy: --image IMAGE or a FILE"}, arguments.common);
  }
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  auto changed = read_changed_file(*world, arguments);
  if (!changed) return fail_with(changed.error(), arguments.common);
  const auto image = absolute_image(arguments.image);
  if (!image) return fail_with(image.error(), arguments.common);
  if (!image->empty()) changed->images = {*image};
  if (const Status pulled = pull_images(changed->images); !pulled) return fail_with(pulled.error(), arguments.common);
  json::object request{{"image", *image},
                       {"wait", !arguments.no_wait},
                       {"rollback", !arguments.no_rollback}};
  if (!arguments.files.empty()) {
    request["sources"] = std::move(changed->sources);
    request["secrets"] = std::move(changed->secrets);
  }
  return follow_rollout(*world, {"deploy", std::move(request)}, arguments);
}

}  // namespace

void add_deploy(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<DeployArguments>();
  CLI::App* command = app.add_subcommand(
      "deploy", "Roll out a new image or changed file without a gap; goes back by itself when it fails");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("FILE", arguments->files, "Changed minato.yaml, then overlays");
  command->add_option("--image", arguments->image, "oci:DIR[:TAG], docker-archive:FILE, docker://NAME");
  command->add_flag("--no-wait", arguments->no_wait, "Return once the rollout has begun");
  command->add_flag("--no-rollback", arguments->no_rollback, "Leave a failed rollout as it is");
  command->callback([arguments, &exit_code] { exit_code = deploy(*arguments); });
}

void add_rollback(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<DeployArguments>();
  CLI::App* command = app.add_subcommand("rollback", "Back to the revision before, or to a given one");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("--to", arguments->revision, "Revision (see: minato status)")->check(CLI::PositiveNumber);
  command->add_flag("--no-wait", arguments->no_wait, "Return once the rollout has begun");
  command->callback([arguments, &exit_code] {
    const std::int64_t revision = arguments->revision.empty() ? 0 : std::stoll(arguments->revision);
    const auto world = choose_world(arguments->common.name);
    exit_code = world ? follow_rollout(*world, {"rollback", {{"revision", revision}, {"wait", !arguments->no_wait}}},
                                       *arguments)
                      : fail_without_world(world.error(), arguments->common);
  });
}

}  // namespace minato::app
