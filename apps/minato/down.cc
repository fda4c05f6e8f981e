#include "down.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "commands.h"
#include "host/cgroup.h"
#include "host/files.h"
#include "linux_net/holder.h"

namespace minato::app {

Status bring_down(const World& world) {
  if (const auto holder = linux_net::find_holder(world.state_dir)) {
    RETURN_IF_ERROR(linux_net::stop_holder(*holder));
  }
  // Processes, interfaces, namespaces and mounts went with the holder; these two did not.
  RETURN_IF_ERROR(host::Cgroups::detect("minato-" + world.name).remove_root());
  RETURN_IF_ERROR(host::remove_tree(world.run_dir));
  RETURN_IF_ERROR(host::remove_tree(world.state_dir));
  // The directories of all worlds go with the last one; only cached images stay.
  (void)::rmdir(std::filesystem::path(world.run_dir).parent_path().c_str());
  (void)::rmdir(std::filesystem::path(world.state_dir).parent_path().c_str());
  return {};
}

void add_down(CLI::App& app, int& exit_code) {
  struct Arguments {
    Common common;
    bool all = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("down", "End a service here and remove everything it made");
  add_name(*command, arguments->common);
  command->add_flag("--all", arguments->all, "Every service of this user");
  command->callback([arguments, &exit_code] {
    std::vector<World> worlds;
    if (arguments->all) {
      worlds = existing_worlds();
    } else if (const auto world = choose_world(arguments->common.name)) {
      worlds = {*world};
    } else if (is(world.error(), Reason::kNotFound) && arguments->common.name.empty()) {
      fmt::print("nothing is up\n");
      return;
    } else {
      exit_code = fail_without_world(world.error(), arguments->common);
      return;
    }
    for (const World& world : worlds) {
      if (const Status status = bring_down(world); !status) {
        exit_code = fail_with(status.error(), arguments->common);
      } else {
        fmt::print("{} is down\n", world.name);
      }
    }
  });
}

}  // namespace minato::app
