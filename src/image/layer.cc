#include "image/layer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <map>
#include <optional>

#include "base/strings.h"
#include "image/tar_reader.h"

namespace minato::image {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kWhiteoutMetaPrefix = ".wh..wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
constexpr const char* kOpaqueAttribute = "user.overlay.opaque";

using host::Fd;

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

bool attribute_is_kept(std::string_view name) {
  if (name.starts_with("user.overlay.")) return false;
  return name.starts_with("user.") || name == "security.capability";
}

class Unpacker {
 public:
  Unpacker(const Tree& tree, const UnpackOptions& options) : tree_(tree), options_(options) {}

  Status apply(const TarEntry& entry, TarReader& reader);
  // Times of directories come last, since every new entry changes them.
  Status finish();
  bool opaque_root() const { return opaque_root_; }
  std::int64_t skipped_devices() const { return skipped_devices_; }

 private:
  using Components = std::vector<std::string>;

  Result<int> parent_of(const Components& components);
  Status apply_root(const TarEntry& entry);
  Status apply_directory(const TarEntry& entry, const Components& components, int parent);
  Status apply_file(const TarEntry& entry, const std::string& name, int parent, TarReader& reader);
  Status apply_link(const TarEntry& entry, const std::string& name, int parent);
  Status apply_hard_link(const TarEntry& entry, const Components& components);
  Status apply_whiteout(const Components& components);
  Status replace(int parent, const std::string& name);
  Status set_opaque(int directory);
  Status set_owner(int fd, const TarEntry& entry);
  Status set_metadata(int fd, const TarEntry& entry, mode_t mode);
  Status set_attributes(int fd, const TarEntry& entry);

  const Tree& tree_;
  const UnpackOptions& options_;
  Components parent_name_;  // Of parent_, which is kept for the entries that follow.
  Fd parent_;
  std::map<Components, timespec> directory_times_;
  bool opaque_root_ = false;
  std::int64_t skipped_devices_ = 0;
};

timespec mtime_of(const TarEntry& entry) {
  return {.tv_sec = entry.mtime_seconds, .tv_nsec = entry.mtime_nanoseconds};
}

Result<int> Unpacker::parent_of(const Components& components) {
  const Components wanted(components.begin(), components.end() - 1);
  if (!parent_ || parent_name_ != wanted) {
    parent_.reset();
    ASSIGN_OR_RETURN(parent_, tree_.make_directories(wanted));
    parent_name_ = wanted;
  }
  return parent_.get();
}

Status Unpacker::apply(const TarEntry& entry, TarReader& reader) {
  ASSIGN_OR_RETURN(const Components components, split_entry_name(entry.name));
  if (components.empty()) return apply_root(entry);
  const std::string& name = components.back();
  if (name.starts_with(kWhiteoutPrefix)) return apply_whiteout(components);
  ASSIGN_OR_RETURN(const int parent, parent_of(components));
  switch (entry.type) {
    case TarEntry::Type::kDirectory: return apply_directory(entry, components, parent);
    case TarEntry::Type::kFile: return apply_file(entry, name, parent, reader);
    case TarEntry::Type::kSymlink:
    case TarEntry::Type::kFifo: return apply_link(entry, name, parent);
    case TarEntry::Type::kHardLink: return apply_hard_link(entry, components);
    case TarEntry::Type::kDevice:
    case TarEntry::Type::kOther: break;
  }
  ++skipped_devices_;
  return {};
}

Status Unpacker::apply_root(const TarEntry& entry) {
  if (entry.type != TarEntry::Type::kDirectory) {
    return fail(Reason::kInvalid, "the layer's root is not a directory");
  }
  directory_times_[{}] = mtime_of(entry);
  return set_metadata(tree_.root(), entry, entry.mode);
}

// Makes room for an entry. The kept parent stays valid: what goes away lies below it.
Status Unpacker::replace(int parent, const std::string& name) {
  struct stat info {};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status{} : fail_errno("looking at " + name, errno);
  }
  return remove_entry(parent, name);
}

Status Unpacker::apply_directory(const TarEntry& entry, const Components& components, int parent) {
  const std::string& name = components.back();
  struct stat info {};
  bool was_whiteout = false;
  const bool exists = ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && !S_ISDIR(info.st_mode)) {
    was_whiteout = is_whiteout(info);
    RETURN_IF_ERROR(replace(parent, name));
  }
  if (!(exists && S_ISDIR(info.st_mode)) && ::mkdirat(parent, name.c_str(), 0700) != 0) {
    return fail_errno("creating directory " + name, errno);
  }
  const Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("opening directory " + name, errno);
  // The lower directory was hidden and this one is new: their contents must not merge.
  if (was_whiteout) RETURN_IF_ERROR(set_opaque(fd.get()));
  directory_times_[components] = mtime_of(entry);
  return set_metadata(fd.get(), entry, entry.mode);
}

Status Unpacker::apply_file(const TarEntry& entry, const std::string& name, int parent,
                            TarReader& reader) {
  RETURN_IF_ERROR(replace(parent, name));
  const Fd fd(::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0600));
  if (!fd) return fail_errno("creating " + name, errno);
  RETURN_IF_ERROR(reader.read_data([&](std::int64_t offset, std::string_view bytes) -> Status {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd.get(), bytes.data(), bytes.size(), offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("writing " + name, errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += n;
    }
    return {};
  }));
  // A sparse file may end in a hole.
  if (::ftruncate(fd.get(), entry.size) != 0) return fail_errno("writing " + name, errno);
  RETURN_IF_ERROR(set_metadata(fd.get(), entry, entry.mode));
  const timespec times[2] = {mtime_of(entry), mtime_of(entry)};
  ::futimens(fd.get(), times);  // Times outside the file system's range are no reason to fail.
  return {};
}

// Symbolic links and FIFOs: made by name, never opened.
Status Unpacker::apply_link(const TarEntry& entry, const std::string& name, int parent) {
  RETURN_IF_ERROR(replace(parent, name));
  const bool link = entry.type == TarEntry::Type::kSymlink;
  const int made = link ? ::symlinkat(entry.link.c_str(), parent, name.c_str())
                        : ::mkfifoat(parent, name.c_str(), 0600);
  if (made != 0) {
    if (errno == ENAMETOOLONG || errno == ENOENT) {
      return fail(Reason::kInvalid, "link \"" + name + "\" has a bad target");
    }
    return fail_errno("creating " + name, errno);
  }
  const Fd fd(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("opening " + name, errno);
  RETURN_IF_ERROR(set_owner(fd.get(), entry));
  if (!link && ::fchmodat(parent, name.c_str(), entry.mode, 0) != 0) {
    return fail_errno("chmod " + name, errno);
  }
  const timespec times[2] = {mtime_of(entry), mtime_of(entry)};
  ::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return {};
}

Status Unpacker::apply_hard_link(const TarEntry& entry, const Components& components) {
  ASSIGN_OR_RETURN(const Components target, split_entry_name(entry.link));
  if (target.empty()) return fail(Reason::kInvalid, "a hard link to the layer's root");
  if (target == components) return {};
  const auto bad = [&](std::string_view why) {
    return fail(Reason::kInvalid, fmt::format("hard link \"{}\" to \"{}\": {}",
                                              entry.name.substr(0, 300),
                                              entry.link.substr(0, 300), why));
  };
  auto from = tree_.open_directory(Components(target.begin(), target.end() - 1));
  if (!from) return bad(from.error().message);
  struct stat info {};
  if (::fstatat(from->get(), target.back().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return bad("the target is not in this layer");
  }
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) return bad("the target is not a file");
  ASSIGN_OR_RETURN(const int parent, parent_of(components));
  struct stat existing {};
  const std::string& name = components.back();
  if (::fstatat(parent, name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0) {
    // Two names that lead to one place: replacing would lose the file.
    if (existing.st_ino == info.st_ino && existing.st_dev == info.st_dev) return {};
    RETURN_IF_ERROR(replace(parent, name));
  }
  if (::linkat(from->get(), target.back().c_str(), parent, name.c_str(), 0) != 0) {
    return fail_errno("hard link \"" + name + "\"", errno);
  }
  return {};
}

Status Unpacker::apply_whiteout(const Components& components) {
  const std::string& marker = components.back();
  ASSIGN_OR_RETURN(const int parent, parent_of(components));
  if (marker == kOpaqueMarker) {
    if (components.size() == 1) opaque_root_ = true;
    return set_opaque(parent);
  }
  if (marker.starts_with(kWhiteoutMetaPrefix)) return {};  // Bookkeeping of AUFS.
  const std::string name = marker.substr(kWhiteoutPrefix.size());
  if (name.empty() || name == "." || name == "..") {
    return fail(Reason::kInvalid, fmt::format("whiteout \"{}\" names no entry", marker));
  }
  // Whiteouts concern lower layers only: what this layer brings itself stays, whatever the order.
  struct stat info {};
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISDIR(info.st_mode)) return {};
    const Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return fail_errno("opening " + name, errno);
    return set_opaque(fd.get());
  }
  if (::mknodat(parent, name.c_str(), S_IFCHR | 0000, makedev(0, 0)) != 0) {
    return fail_errno("making the whiteout for " + name, errno);
  }
  return {};
}

Status Unpacker::set_opaque(int directory) {
  if (::fsetxattr(directory, kOpaqueAttribute, "y", 1, 0) == 0) return {};
  if (errno == ENOTSUP) {
    return fail(Reason::kUnavailable,
                "the file system of the image store has no user.* extended attributes, which "
                "overlayfs needs; put the store on ext4, xfs or btrfs");
  }
  return fail_errno("marking a directory opaque", errno);
}

Status Unpacker::set_owner(int fd, const TarEntry& entry) {
  if (options_.ownership == Ownership::kMapToSelf) return {};
  constexpr std::int64_t kLargestId = std::numeric_limits<std::int32_t>::max();
  if (entry.uid < 0 || entry.uid > kLargestId || entry.gid < 0 || entry.gid > kLargestId) {
    return fail(Reason::kInvalid,
                fmt::format("entry \"{}\" belongs to {}:{}, which is no user id", entry.name,
                            entry.uid, entry.gid));
  }
  if (::fchownat(fd, "", static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid),
                 AT_EMPTY_PATH) == 0) {
    return {};
  }
  if (errno != EPERM && errno != EINVAL) return fail_errno("chown " + entry.name, errno);
  return fail(Reason::kForbidden,
              fmt::format("entry \"{}\" belongs to {}:{}, which this process may not set; unpack "
                          "with everything mapped to the calling user",
                          entry.name, entry.uid, entry.gid));
}

// The owner comes first: changing it clears set-user-ID bits and capabilities.
Status Unpacker::set_metadata(int fd, const TarEntry& entry, mode_t mode) {
  RETURN_IF_ERROR(set_owner(fd, entry));
  if (entry.type == TarEntry::Type::kDirectory && options_.ownership == Ownership::kMapToSelf) {
    mode |= 0700;  // Else later entries, and removing the layer, would need root.
  }
  if (::fchmod(fd, mode) != 0) return fail_errno("chmod " + entry.name, errno);
  return set_attributes(fd, entry);
}

Status Unpacker::set_attributes(int fd, const TarEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (!attribute_is_kept(name)) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
    if (errno == ENOSPC || errno == EDQUOT) return fail_errno("attributes of " + entry.name, errno);
    // Not permitted or not valid here; the program runs without.
  }
  return {};
}

Status Unpacker::finish() {
  for (const auto& [components, mtime] : directory_times_) {
    // A later entry may have replaced the directory.
    auto fd = tree_.open_directory(components);
    if (!fd) continue;
    const timespec times[2] = {mtime, mtime};
    ::futimens(fd->get(), times);
  }
  return {};
}

}  // namespace

Result<UnpackedLayer> unpack_layer(int blob, const Tree& tree, const UnpackOptions& options) {
  ASSIGN_OR_RETURN(TarReader reader, TarReader::open(blob, options.limits, options.stop));
  Unpacker unpacker(tree, options);
  std::int64_t logical_bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<TarEntry> entry, reader.next());
    if (!entry) break;
    // Holes of sparse files are not in the stream, so they are counted here.
    logical_bytes += entry->size;
    if (logical_bytes > options.limits.unpacked_bytes) {
      return fail(Reason::kInvalid, fmt::format("the layer's files exceed the limit of {} bytes",
                                                options.limits.unpacked_bytes));
    }
    RETURN_IF_ERROR(unpacker.apply(*entry, reader));
  }
  RETURN_IF_ERROR(unpacker.finish());
  ASSIGN_OR_RETURN(const Digest diff_id, reader.finish());
  return UnpackedLayer{.diff_id = diff_id,
                       .opaque_root = unpacker.opaque_root(),
                       .uncompressed_bytes = reader.uncompressed_bytes(),
                       .skipped_devices = unpacker.skipped_devices()};
}

Result<bool> has_opaque_root(const std::string& directory) {
  char value[2] = {};
  const ssize_t n = ::lgetxattr(directory.c_str(), kOpaqueAttribute, value, sizeof value);
  if (n >= 0) return n == 1 && value[0] == 'y';
  if (errno == ENODATA || errno == ENOTSUP) return false;
  return fail_errno("reading " + directory, errno);
}

}  // namespace minato::image
