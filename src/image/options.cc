#include "image/options.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

namespace minato::image {

Ownership preferred_ownership() {
  constexpr std::int64_t kEnoughIds = 65536;
  if (::geteuid() != 0) return Ownership::kMapToSelf;
  std::ifstream map("/proc/self/uid_map");
  std::int64_t inside = 0, outside = 0, count = 0, mapped = 0;
  while (map >> inside >> outside >> count) mapped += count;
  return mapped >= kEnoughIds ? Ownership::kKeep : Ownership::kMapToSelf;
}

std::string host_architecture() {
  struct utsname name {};
  if (::uname(&name) != 0) return "unknown";
  const std::string_view machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return std::string(machine);
}

std::vector<std::string> default_auth_files() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string file = variable("REGISTRY_AUTH_FILE"); !file.empty()) return {file};
  std::vector<std::string> files;
  if (const std::string runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty()) {
    files.push_back(runtime + "/containers/auth.json");
  }
  if (const std::string docker = variable("DOCKER_CONFIG"); !docker.empty()) {
    files.push_back(docker + "/config.json");
  }
  if (const std::string home = variable("HOME"); !home.empty()) {
    files.push_back(home + "/.docker/config.json");
  }
  return files;
}

}  // namespace minato::image
