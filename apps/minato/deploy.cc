#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "ask.h"
#include "host/files.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct Arguments {
  Common common;
  std::string image;
  std::vector<std::string> files;
  std::string revision;
  bool no_wait = false;
  bool no_rollback = false;
};

// Progress lines as they come; the end of the answer is the rollout's.
int follow_rollout(const control::Request& request, const Arguments& arguments) {
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  const Status status =
      control::Client(world->control_socket()).call(request, [&](const json::value& line) {
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

// oci: and docker-archive: name files; relative ones are the caller's, not the control process's.
std::string absolute_image(const std::string& image) {
  for (const std::string prefix : {"oci:", "docker-archive:"}) {
    if (!image.starts_with(prefix)) continue;
    const std::string path = image.substr(prefix.size());
    if (path.empty() || path.starts_with('/')) return image;
    return prefix + std::filesystem::absolute(path).lexically_normal().string();
  }
  return image;
}

int deploy(const Arguments& arguments) {
  json::array sources;
  for (const std::string& file : arguments.files) {
    const auto content = host::read_file(file, 1 << 20);
    if (!content) return fail_with(content.error(), arguments.common);
    sources.push_back(json::object{{"name", file},
                                   {"text", *content},
                                   {"directory", std::filesystem::absolute(file).parent_path().string()}});
  }
  if (arguments.image.empty() && sources.empty()) {
    return fail_with(Error{Reason::kBadRequest, "say what to deploy: --image IMAGE or a FILE"}, arguments.common);
  }
  return follow_rollout({"deploy",
                         {{"image", absolute_image(arguments.image)},
                          {"sources", std::move(sources)},
                          {"wait", !arguments.no_wait},
                          {"rollback", !arguments.no_rollback}}},
                        arguments);
}

}  // namespace

void add_deploy(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
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
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("rollback", "Back to the revision before, or to a given one");
  add_name(*command, arguments->common);
  add_output(*command, arguments->common);
  command->add_option("--to", arguments->revision, "Revision (see: minato status)")->check(CLI::PositiveNumber);
  command->add_flag("--no-wait", arguments->no_wait, "Return once the rollout has begun");
  command->callback([arguments, &exit_code] {
    const std::int64_t revision = arguments->revision.empty() ? 0 : std::stoll(arguments->revision);
    exit_code = follow_rollout(
        {"rollback", {{"revision", revision}, {"wait", !arguments->no_wait}}}, *arguments);
  });
}

}  // namespace minato::app
