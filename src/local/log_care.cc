#include "local/log_care.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <vector>

#include "host/files.h"

namespace minato::local {
namespace fs = std::filesystem;

LogCare::LogCare(host::Loop& loop, env::Log& log, informer::Informers& informers, std::string state_dir)
    : loop_(loop), log_(log), pods_(informers.of<kube::Pod>()), state_dir_(std::move(state_dir)) {}

void LogCare::start() {
  timer_ = loop_.after(kInterval, [this] {
    look();
    start();
  });
}

void LogCare::look() {
  for (const char* name : {"access.log", "haproxy.log", "minato.log"}) cut(name);
  remove_old_pod_logs();
}

// Writers keep their descriptors and append, so the file is copied and emptied, not renamed. The
// few lines that come in between are lost.
void LogCare::cut(const std::string& name) {
  const std::string path = state_dir_ + "/" + name;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size < kLargestLogBytes) return;
  std::error_code error;
  fs::copy_file(path, path + ".1", fs::copy_options::overwrite_existing, error);
  if (error) log_.write(env::Level::kWarning, "logs", fmt::format("keeping {}: {}", path, error.message()));
  // Emptied all the same: a disk that is full is why the copy failed.
  if (::truncate(path.c_str(), 0) != 0) {
    log_.write(env::Level::kWarning, "logs", fail_errno("cutting " + path, errno).error().message);
  }
}

// Directories are named <namespace>_<Pod>_<uid>.
void LogCare::remove_old_pod_logs() {
  std::set<std::string> living;
  for (const auto& [key, pod] : pods_.all()) living.insert(pod->metadata.uid);
  std::vector<std::pair<fs::file_time_type, std::string>> dead;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir_ + "/logs", error)) {
    const std::string name = entry.path().filename();
    if (living.contains(name.substr(name.rfind('_') + 1))) continue;
    std::error_code gone;
    const auto changed = fs::last_write_time(entry.path(), gone);
    if (!gone) dead.emplace_back(changed, entry.path());
  }
  if (dead.size() <= kPodLogsKept) return;
  std::ranges::sort(dead);
  for (std::size_t i = 0; i < dead.size() - kPodLogsKept; ++i) {
    if (const Status removed = host::remove_tree(dead[i].second); !removed) {
      log_.write(env::Level::kWarning, "logs", removed.error().message);
    }
  }
}

}  // namespace minato::local
