// `minato render`: Terraform and Kubernetes manifests for EKS, written where people keep them.
#include "render/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "catalogue_choice.h"
#include "commands.h"
#include "host/files.h"
#include "image/digest.h"
#include "render/changes.h"
#include "render/diff.h"
#include "sources.h"
#include "spec/locate.h"

namespace minato::app {
namespace {
namespace fs = std::filesystem;
using Kind = render::Change::Kind;

constexpr std::size_t kMaxRenderedBytes = 4 << 20;

struct RenderArguments {
  std::vector<std::string> files;
  std::string directory;
  std::string catalogue;
  bool diff = false;
  bool overwrite = false;
  bool keep = false;
};

Result<render::Digests> read_manifest(const std::string& directory) {
  const std::string path = fmt::format("{}/{}", directory, render::kManifestName);
  if (!fs::exists(path)) return render::Digests{};
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path, kMaxRenderedBytes));
  return render::parse_manifest(text);
}

Result<render::Existing> read_existing(const std::string& directory, const render::Files& files,
                                       const render::Digests& manifest) {
  render::Existing out;
  const auto take = [&](const std::string& path) -> Status {
    if (out.texts.contains(path) || !fs::exists(fs::symlink_status(directory + "/" + path)))
      return {};
    ASSIGN_OR_RETURN(std::string text, host::read_file(directory + "/" + path, kMaxRenderedBytes));
    out.digests[path] = image::Digest::of(text).hex();
    out.texts[path] = std::move(text);
    return {};
  };
  for (const auto& [path, text] : files) RETURN_IF_ERROR(take(path));
  for (const auto& [path, digest] : manifest) RETURN_IF_ERROR(take(path));
  return out;
}

std::string text_or_empty(const render::Files& files, const std::string& path) {
  const auto found = files.find(path);
  return found == files.end() ? "" : found->second;
}

int show_diff(const std::vector<render::Change>& changes, const render::Files& files,
              const render::Existing& existing) {
  bool any = false;
  for (const render::Change& change : changes) {
    if (change.kind == Kind::kSame) continue;
    any = true;
    if (change.kind == Kind::kEdited)
      fmt::print("# {} was edited by hand; rendering would undo that:\n", change.path);
    fmt::print("{}", render::unified_diff(change.path, text_or_empty(existing.texts, change.path),
                                          text_or_empty(files, change.path)));
  }
  if (!any) fmt::print("Nothing would change.\n");
  return any ? kFailed : kDone;
}

Error refusal(const std::vector<render::Change>& changes, const std::string& directory) {
  std::string message = "edited by hand since they were rendered, so nothing was written:\n";
  for (const render::Change& change : changes) {
    if (change.kind == Kind::kEdited) message += fmt::format("  {}/{}\n", directory, change.path);
  }
  return {
      Reason::kConflict,
      message +
          "--diff shows the difference, --keep-edited writes all others, --overwrite these too"};
}

// What the manifest says of a file that people keep must stay what was rendered then.
void keep_entry(const std::string& path, const render::Digests& before, render::Digests& after) {
  const auto found = before.find(path);
  if (found == before.end())
    after.erase(path);
  else
    after[path] = found->second;
}

Status write_changes(const std::string& directory, const std::vector<render::Change>& changes,
                     const render::Files& files, const render::Digests& before, bool overwrite) {
  render::Digests after;
  for (const auto& [path, text] : files) after[path] = image::Digest::of(text).hex();
  for (const render::Change& change : changes) {
    const std::string target = directory + "/" + change.path;
    if (change.kind == Kind::kSame) continue;
    if (change.kind == Kind::kEdited && !overwrite) {
      keep_entry(change.path, before, after);
    } else if (!files.contains(change.path)) {
      std::error_code error;
      fs::remove(target, error);
      if (error)
        return fail(Reason::kInternalError,
                    fmt::format("removing {}: {}", target, error.message()));
    } else {
      RETURN_IF_ERROR(host::make_directories(fs::path(target).parent_path().string()));
      RETURN_IF_ERROR(host::write_file_atomic(target, files.at(change.path)));
    }
  }
  return host::write_file_atomic(fmt::format("{}/{}", directory, render::kManifestName),
                                 render::manifest_text(after));
}

void print_summary(const std::vector<render::Change>& changes, const RenderArguments& arguments) {
  const auto count = [&](Kind kind) {
    return std::ranges::count(changes, kind, &render::Change::kind);
  };
  fmt::print("{}: {} files new, {} changed, {} removed, {} as they were", arguments.directory,
             count(Kind::kCreate), count(Kind::kUpdate), count(Kind::kRemove), count(Kind::kSame));
  if (count(Kind::kEdited) > 0) {
    fmt::print("; {} edited by hand {}", count(Kind::kEdited),
               arguments.overwrite ? "overwritten" : "kept");
  }
  fmt::print("\nNext: {}/README.md\n", arguments.directory);
}

Status render_to(const RenderArguments& arguments, int& exit_code) {
  ASSIGN_OR_RETURN(const std::vector<spec::Source> sources, read_sources(arguments.files));
  ASSIGN_OR_RETURN(const spec::Spec spec, spec::read(sources));
  ASSIGN_OR_RETURN(const CataloguePtr types, choose_catalogue(arguments.catalogue, spec, sources));
  const auto rendered = render::render(spec, types->catalogue);
  if (!rendered) return std::unexpected(spec::with_places(rendered.error(), sources));
  const render::Files& files = *rendered;
  ASSIGN_OR_RETURN(const render::Digests manifest, read_manifest(arguments.directory));
  ASSIGN_OR_RETURN(const render::Existing existing,
                   read_existing(arguments.directory, files, manifest));
  const std::vector<render::Change> changes = render::plan_changes(files, existing, manifest);
  if (arguments.diff) {
    exit_code = show_diff(changes, files, existing);
    return {};
  }
  const bool edited = std::ranges::count(changes, Kind::kEdited, &render::Change::kind) > 0;
  if (edited && !arguments.overwrite && !arguments.keep) {
    return std::unexpected(refusal(changes, arguments.directory));
  }
  RETURN_IF_ERROR(host::make_directories(arguments.directory));
  RETURN_IF_ERROR(
      write_changes(arguments.directory, changes, files, manifest, arguments.overwrite));
  print_summary(changes, arguments);
  exit_code = kDone;
  return {};
}

int run_render(const RenderArguments& arguments) {
  int exit_code = kDone;
  if (const Status status = render_to(arguments, exit_code); !status)
    return fail_with(status.error());
  return exit_code;
}

}  // namespace

void add_render(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<RenderArguments>();
  CLI::App* command =
      app.add_subcommand("render", "Terraform and Kubernetes manifests for EKS from the same file");
  command->add_option("FILE", arguments->files, "minato.yaml, then overlays")->required();
  add_catalogue_option(*command, arguments->catalogue);
  command
      ->add_option("-o,--output", arguments->directory,
                   "Directory that gets terraform/ and kubernetes/")
      ->required();
  command->add_flag("--diff", arguments->diff,
                    "Write nothing; show what would change (exit code 1 if anything)");
  auto* overwrite =
      command->add_flag("--overwrite", arguments->overwrite, "Also files that were edited by hand");
  command->add_flag("--keep-edited", arguments->keep, "All but files that were edited by hand")
      ->excludes(overwrite);
  command->callback([arguments, &exit_code] { exit_code = run_render(*arguments); });
}

}  // namespace minato::app
