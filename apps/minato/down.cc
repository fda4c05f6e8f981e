#include "down.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "commands.h"
#include "host/cgroup.h"
#include "host/files.h"
#include "linux_net/holder.h"
#include "linux_net/user_namespace.h"

namespace minato::app {
namespace {

// Files that containers and images brought belong to users whom only the world knows.
Status remove_trees(const std::vector<std::string>& paths) {
  return linux_net::run_with_world_ids([&]() -> Status {
    for (const std::string& path : paths) RETURN_IF_ERROR(host::remove_tree(path));
    return {};
  });
}

}  // namespace

Status bring_down(const World& world) {
  if (const auto holder = linux_net::find_holder(world.state_dir)) {
    RETURN_IF_ERROR(linux_net::stop_holder(*holder));
  }
  // Processes, interfaces, namespaces and mounts went with the holder; these two did not.
  RETURN_IF_ERROR(host::Cgroups::detect("minato-" + world.name).remove_root());
  RETURN_IF_ERROR(remove_trees({world.run_dir, world.state_dir}));
  // The directories of all worlds go with the last one; only cached images stay.
  (void)::rmdir(std::filesystem::path(world.run_dir).parent_path().c_str());
  (void)::rmdir(std::filesystem::path(world.state_dir).parent_path().c_str());
  return {};
}

namespace {

// Running containers are mounted over the layers that are kept there.
Status remove_images() {
  if (const auto up = existing_worlds(); !up.empty()) {
    return fail(Reason::kConflict,
                fmt::format("{} is up and uses the images; see 'minato down --all --images'",
                            up.front().name));
  }
  RETURN_IF_ERROR(remove_trees({image_cache_dir(), image_cache_dir() + "-system"}));
  fmt::print("the cached images are removed\n");
  return {};
}

struct DownArguments {
  Common common;
  bool all = false;
  bool images = false;
};

Result<std::vector<World>> chosen_worlds(const DownArguments& arguments) {
  if (arguments.all) return existing_worlds();
  const auto world = choose_world(arguments.common.name);
  if (world) return std::vector<World>{*world};
  if (!is(world.error(), Reason::kNotFound) || !arguments.common.name.empty()) {
    return std::unexpected(world.error());
  }
  fmt::print("nothing is up\n");
  return std::vector<World>{};
}

int run_down(const DownArguments& arguments) {
  const auto worlds = chosen_worlds(arguments);
  if (!worlds) return fail_without_world(worlds.error(), arguments.common);
  int exit_code = kDone;
  for (const World& world : *worlds) {
    if (const Status status = bring_down(world); !status) {
      exit_code = fail_with(status.error(), arguments.common);
    } else {
      fmt::print("{} is down\n", world.name);
    }
  }
  if (!arguments.images || exit_code != kDone) return exit_code;
  const Status removed = remove_images();
  return removed ? kDone : fail_with(removed.error(), arguments.common);
}

}  // namespace

void add_down(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<DownArguments>();
  CLI::App* command = app.add_subcommand("down", "End a service here and remove everything it made");
  add_name(*command, arguments->common);
  command->add_flag("--all", arguments->all, "Every service of this user");
  command->add_flag("--images", arguments->images,
                    "The cached images too, once nothing is up any more");
  command->callback([arguments, &exit_code] { exit_code = run_down(*arguments); });
}

}  // namespace minato::app
