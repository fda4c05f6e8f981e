#include "linux_container/volume_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/strings.h"
#include "host/files.h"

namespace minato::linux_container {
namespace fs = std::filesystem;

Status check_relative_path(std::string_view what, const std::string& path) {
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return fail(Reason::kInvalid,
                  fmt::format("{} \"{}\" must be a relative path without \"..\"", what, path));
    }
  }
  return {};
}

namespace {

using container::Mount;

constexpr std::size_t kMaxVolumeFiles = 4096;
constexpr const char* kData = "..data";
constexpr const char* kNewData = "..data_tmp";
constexpr mode_t kGroupReads = 0440;
constexpr mode_t kGroupDirectory = 02755;  // What is made inside is the group's too.

// Any path below the volume, but for the names that its directory needs itself.
Status check_files(const Mount& mount) {
  if (mount.files.size() > kMaxVolumeFiles) {
    return fail(Reason::kInvalid,
                fmt::format("volume \"{}\" has more than {} files", mount.name, kMaxVolumeFiles));
  }
  for (const auto& [name, file] : mount.files) {
    RETURN_IF_ERROR(check_relative_path("file of volume " + mount.name + ":", name));
    if (!name.starts_with("..")) continue;
    return fail(Reason::kInvalid, fmt::format("file of volume {}: \"{}\" may not begin with \"..\"",
                                              mount.name, name));
  }
  return {};
}

std::string first_component(const std::string& path) { return path.substr(0, path.find('/')); }

Status link(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) == 0 || errno == EEXIST) return {};
  return fail_errno("linking " + path, errno);
}

// The directory that "..data" points to, "" for none.
std::string data_dir(const std::string& dir) {
  std::error_code error;
  const fs::path target = fs::read_symlink(dir + "/" + kData, error);
  return error ? "" : dir + "/" + target.filename().string();
}

// Modes and owners follow from the Pod, in which they do not change.
bool shows_already(const std::string& dir, const Mount& mount) {
  std::size_t same = 0;
  std::error_code error;
  for (const auto& item : fs::recursive_directory_iterator(dir, error)) {
    if (!item.is_regular_file()) continue;
    const auto wanted = mount.files.find(item.path().string().substr(dir.size() + 1));
    if (wanted == mount.files.end()) return false;
    if (host::read_file(item.path().string()) != wanted->second.content) return false;
    ++same;
  }
  return same == mount.files.size();
}

Result<std::string> new_data_dir(const std::string& dir) {
  std::string path = dir + "/..XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return fail_errno("making a directory in " + dir, errno);
  if (::chmod(path.c_str(), 0755) != 0) return fail_errno("chmod " + path, errno);
  return path;
}

Status give(const std::string& path, std::int64_t owner, std::int64_t group, mode_t mode) {
  // Giving something away takes bits of its mode away: that comes last.
  if ((owner >= 0 || group >= 0) &&
      ::chown(path.c_str(), static_cast<uid_t>(owner), static_cast<gid_t>(group)) != 0) {
    return fail_errno(fmt::format("giving {} to user {} and group {}", path, owner, group), errno);
  }
  return ::chmod(path.c_str(), mode) == 0 ? Status{} : fail_errno("chmod " + path, errno);
}

Status give_file(const std::string& path, const container::VolumeFile& file, std::int64_t group) {
  if (file.owner < 0 && group < 0) return {};  // Written as it should be.
  const mode_t mode = (file.mode & 0777) | (group >= 0 ? kGroupReads : 0);
  return give(path, file.owner, group, mode);
}

Status give_directories(const std::string& dir, std::int64_t group) {
  if (group < 0) return {};
  RETURN_IF_ERROR(give(dir, -1, group, kGroupDirectory));
  std::error_code error;
  for (const auto& item : fs::recursive_directory_iterator(dir, error)) {
    if (item.is_directory() && !item.is_symlink())
      RETURN_IF_ERROR(give(item.path().string(), -1, group, kGroupDirectory));
  }
  return {};
}

Status point_data_to(const std::string& dir, const std::string& data) {
  const std::string temporary = dir + "/" + kNewData;
  ::unlink(temporary.c_str());  // Left by a process that was killed just here.
  RETURN_IF_ERROR(link(fs::path(data).filename().string(), temporary));
  const std::string target = dir + "/" + kData;
  if (::rename(temporary.c_str(), target.c_str()) == 0) return {};
  return fail_errno("renaming " + temporary, errno);
}

// Links to files that are gone, and content that is no longer shown.
Status sweep(const std::string& dir, const std::string& data,
             const std::set<std::string>& visible) {
  std::error_code error;
  for (const auto& item : fs::directory_iterator(dir, error)) {
    const std::string name = item.path().filename().string();
    if (name == kData || item.path() == data || visible.contains(name)) continue;
    RETURN_IF_ERROR(host::remove_tree(item.path().string()));
  }
  return {};
}

}  // namespace

Status write_files(const std::string& dir, const Mount& mount) {
  RETURN_IF_ERROR(check_files(mount));
  RETURN_IF_ERROR(host::make_directories(dir));
  for (const auto& [name, file] : mount.files) {
    const std::string path = dir + "/" + name;
    RETURN_IF_ERROR(host::make_directories(path.substr(0, path.rfind('/'))));
    RETURN_IF_ERROR(host::write_file_atomic(path, file.content, file.mode & 0777));
    RETURN_IF_ERROR(give_file(path, file, mount.group));
  }
  return give_directories(dir, mount.group);
}

Status give_scratch(const std::string& dir, std::int64_t group) {
  return give(dir, -1, group, group >= 0 ? 02777 : 0777);
}

std::uint64_t VolumeFiles::next_version() {
  const std::lock_guard lock(mutex_);
  return ++last_version_;
}

Status VolumeFiles::show(const std::string& dir, const Mount& mount, std::uint64_t version) {
  RETURN_IF_ERROR(check_files(mount));
  const std::lock_guard lock(mutex_);
  if (shown_[dir] > version) return {};
  RETURN_IF_ERROR(host::make_directories(dir));
  if (const std::string old = data_dir(dir); old.empty() || !shows_already(old, mount)) {
    ASSIGN_OR_RETURN(const std::string data, new_data_dir(dir));
    RETURN_IF_ERROR(write_files(data, mount));
    std::set<std::string> visible;
    for (const auto& [name, file] : mount.files) visible.insert(first_component(name));
    for (const std::string& name : visible) {
      RETURN_IF_ERROR(link(std::string(kData) + "/" + name, dir + "/" + name));
    }
    RETURN_IF_ERROR(point_data_to(dir, data));
    RETURN_IF_ERROR(sweep(dir, data, visible));
  }
  shown_[dir] = version;
  return {};
}

void VolumeFiles::forget(const std::string& dir_prefix) {
  const std::lock_guard lock(mutex_);
  std::erase_if(shown_, [&](const auto& entry) { return entry.first.starts_with(dir_prefix); });
}

}  // namespace minato::linux_container
