#include "world.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/strings.h"

namespace minato::app {
namespace {

std::string environment(const char* name, const std::string& fallback) {
  const char* value = std::getenv(name);
  return value != nullptr && *value == '/' ? value : fallback;
}

std::string home() { return environment("HOME", "/"); }

std::string state_root() {
  if (::geteuid() == 0) return "/var/lib/minato";
  return environment("XDG_STATE_HOME", home() + "/.local/state") + "/minato";
}

std::string run_root() {
  if (::geteuid() == 0) return "/run/minato";
  // Short on purpose: socket paths may have 107 bytes.
  const std::string runtime = environment("XDG_RUNTIME_DIR", "");
  return runtime.empty() ? fmt::format("/tmp/minato-{}", ::geteuid()) : runtime + "/minato";
}

bool is_ours(const struct stat& found) {
  return S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void collect(const std::string& root, std::set<std::string>& names) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    if (entry.is_directory(error)) names.insert(entry.path().filename().string());
  }
}

}  // namespace

World world_named(const std::string& name) {
  return {name, state_root() + "/worlds/" + name, run_root() + "/" + name};
}

std::string image_cache_dir() {
  if (::geteuid() == 0) return "/var/lib/minato/images";
  return environment("XDG_CACHE_HOME", home() + "/.cache") + "/minato/images";
}

std::string data_dir() {
  const std::string data = environment("XDG_DATA_HOME", "");
  if (!data.empty()) return data + "/minato";
  return ::geteuid() == 0 ? "/var/lib/minato" : home() + "/.local/share/minato";
}

Status check_run_root() {
  struct stat found {};
  if (::lstat(run_root().c_str(), &found) != 0 || is_ours(found)) return {};
  return fail(Reason::kForbidden,
              fmt::format("{}: belongs to or can be changed by somebody else, so nothing is put there; remove it, or set "
                          "XDG_RUNTIME_DIR to a directory of yours",
                          run_root()));
}

std::vector<World> existing_worlds() {
  std::set<std::string> names;
  collect(state_root() + "/worlds", names);
  if (check_run_root()) collect(run_root(), names);
  std::vector<World> out;
  for (const std::string& name : names) out.push_back(world_named(name));
  return out;
}

Result<World> choose_world(const std::string& name) {
  const std::vector<World> worlds = existing_worlds();
  if (!name.empty()) {
    const auto found = std::ranges::find(worlds, name, &World::name);
    if (found != worlds.end()) return *found;
    return fail(Reason::kNotFound, fmt::format("nothing named '{}' is up on this machine", name));
  }
  if (worlds.empty()) {
    return fail(Reason::kNotFound, "nothing is up on this machine; start with: minato up FILE");
  }
  if (worlds.size() == 1) return worlds.front();
  std::vector<std::string> names;
  for (const World& world : worlds) names.push_back(world.name);
  return fail(Reason::kConflict, fmt::format("several services are up ({}); say which with --name",
                                             join(names, ", ")));
}

}  // namespace minato::app
