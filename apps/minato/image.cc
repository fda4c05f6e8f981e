#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "commands.h"
#include "image/options.h"
#include "local/system_image.h"

namespace minato::app {
namespace {

namespace json = boost::json;

struct ImageArguments {
  std::string directory;
  Common common;
};

// What is in it already may be somebody's.
Status check_new_directory(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return {};
  if (std::filesystem::is_directory(directory, error) && std::filesystem::is_empty(directory, error)) return {};
  return fail(Reason::kAlreadyExists, fmt::format("{} is there already; give a new or an empty directory", directory));
}

int write_image(const ImageArguments& arguments) {
  if (const Status checked = check_new_directory(arguments.directory); !checked) return fail_with(checked.error(), arguments.common);
  const auto digest = local::export_system_image(arguments.directory);
  if (!digest) return fail_with(digest.error(), arguments.common);
  const std::string reference = fmt::format("oci:{}:{}", arguments.directory, local::kSystemImageTag);
  if (arguments.common.json()) {
    const json::object out{
        {"reference", reference}, {"digest", digest->text()}, {"architecture", image::host_architecture()}};
    fmt::print("{}\n", json::serialize(out));
    return kDone;
  }
  fmt::print("{}  {}  {}\n\n"
             "  push it   skopeo copy --preserve-digests {} docker://REGISTRY/minato\n"
             "  use it    eks: {{ controller_image: REGISTRY/minato@{} }}\n",
             reference, image::host_architecture(), digest->text(), reference, digest->text());
  return kDone;
}

}  // namespace

void add_image(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ImageArguments>();
  CLI::App* command = app.add_subcommand(
      "image", "Write an image of this minato, for EKS to run controller and agent from (eks.controller_image)");
  command->add_option("DIRECTORY", arguments->directory, "New directory for the image (an OCI layout)")->required();
  add_output(*command, arguments->common);
  command->callback([arguments, &exit_code] { exit_code = write_image(*arguments); });
}

}  // namespace minato::app
