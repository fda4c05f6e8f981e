#include "image/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "image/json.h"

namespace minato::image {
namespace {

namespace json = boost::json;

constexpr Duration kLockPoll = 20ms;

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

std::string file_name(const Digest& digest) {
  return fmt::format("{}-{}",
                     digest.algorithm() == DigestAlgorithm::kSha256 ? "sha256" : "sha512",
                     digest.hex());
}

// Spares the sync when the same image is pulled again.
Status write_if_changed(const std::string& path, std::string_view bytes) {
  if (const auto present = host::read_file(path); present && *present == bytes) return {};
  return host::write_file_atomic(path, bytes, 0600);
}

// Removes what was begun unless it was kept.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (path_.empty()) return;
    // What cannot be removed now is removed by the next holder of the same lock.
    const Status ignored = host::remove_tree(path_);
    static_cast<void>(ignored);
  }
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace

Result<ImageStore> ImageStore::open(const std::string& directory, Options options) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(directory, error).lexically_normal();
  if (error) return fail(Reason::kInternalError, "image store: " + error.message());
  // Characters that separate overlayfs's options.
  if (absolute.find_first_of(":,\\") != std::string::npos) {
    return fail(Reason::kInvalid, fmt::format("image store \"{}\": the path must not hold ':', ',' "
                                              "or '\\', which overlayfs reads as separators",
                                              absolute));
  }
  RETURN_IF_ERROR(host::make_directories(absolute, 0755));
  if (::chmod(absolute.c_str(), 0700) != 0) return fail_errno("image store " + absolute, errno);
  const std::string layers = options.ownership == Ownership::kKeep ? "layers/keep" : "layers/self";
  for (const std::string& name : {std::string("blobs/sha256"), std::string("blobs/sha512"),
                                  layers + "/sha256", layers + "/sha512", std::string("references"),
                                  std::string("locks"), std::string("temporary")}) {
    RETURN_IF_ERROR(host::make_directories(absolute + "/" + name, 0700));
  }
  return ImageStore(absolute, std::move(options));
}

std::string ImageStore::blob_path(const Digest& digest) const {
  return fmt::format("{}/blobs/{}", directory_, digest.path());
}

std::string ImageStore::layer_path(const Digest& diff_id) const {
  return fmt::format("{}/layers/{}/{}", directory_,
                     options_.ownership == Ownership::kKeep ? "keep" : "self", diff_id.path());
}

std::string ImageStore::reference_path(const Reference& reference) const {
  return fmt::format("{}/references/{}", directory_, Digest::of(reference.text()).hex());
}

Result<StoredImage> ImageStore::pull(const std::string& reference, container::PullPolicy policy,
                                     std::stop_token stop) const {
  ASSIGN_OR_RETURN(const Reference parsed, Reference::parse(reference));
  auto image = pull_parsed(parsed, policy, stop);
  if (!image) return wrap(fmt::format("image \"{}\"", reference), std::move(image).error());
  image->image.reference = reference;
  return image;
}

Result<StoredImage> ImageStore::pull_parsed(const Reference& reference,
                                            container::PullPolicy policy,
                                            const std::stop_token& stop) const {
  if (policy == container::PullPolicy::kNever) {
    auto stored = recall(reference);
    if (failed_with(stored, Reason::kNotFound)) {
      return fail(Reason::kNotFound, "it is not stored here and its pull policy is Never");
    }
    return stored;
  }
  if (policy == container::PullPolicy::kIfNotPresent) {
    const bool local = reference.kind != Reference::Kind::kRegistry && exists(reference.path);
    if (!local) {
      // Whatever is wrong with what is stored, fetching again mends it.
      if (auto stored = recall(reference)) return stored;
    }
  }
  return fetch(reference, stop);
}

Result<host::Fd> ImageStore::lock(const std::string& name, const std::stop_token& stop) const {
  const std::string path = fmt::format("{}/locks/{}", directory_, name);
  host::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("image store lock " + path, errno);
  // A holder that dies gives its lock up; polling, because flock() cannot be cancelled.
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("locking " + path, errno);
    if (stop.stop_requested()) return fail(Reason::kAborted, "the pull was cancelled");
    std::this_thread::sleep_for(kLockPoll);
  }
  return fd;
}

// Without a name, so that no crash can leave it behind.
Result<host::Fd> ImageStore::temporary_file() const {
  const std::string directory = directory_ + "/temporary";
  host::Fd fd(::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (fd) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR) return fail_errno("writing in " + directory, errno);
  std::string name = directory + "/blob-XXXXXX";
  fd = host::Fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return fail_errno("writing in " + directory, errno);
  ::unlink(name.c_str());
  return fd;
}

Result<StoredImage> ImageStore::fetch(const Reference& reference,
                                      const std::stop_token& stop) const {
  const std::unique_ptr<Source> source = make_source(reference, options_, stop);
  ASSIGN_OR_RETURN(Manifest manifest, source->manifest());
  ASSIGN_OR_RETURN(const std::string config_text, store_config(manifest.config, *source));
  ASSIGN_OR_RETURN(Config config, parse_config(config_text));
  RETURN_IF_ERROR(check_consistent(manifest, config, options_.architecture));
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    RETURN_IF_ERROR(store_layer(manifest.layers[i], config.diff_ids[i], *source, stop));
  }
  if (!manifest.text.empty()) RETURN_IF_ERROR(store_bytes(manifest.digest, manifest.text));
  std::int64_t size_bytes = manifest.config.size;
  for (const Descriptor& layer : manifest.layers) {
    size_bytes += std::max<std::int64_t>(layer.size, 0);  // Unknown in a docker-archive.
  }
  const Assembly assembly{.digest = manifest.digest,
                          .config_digest = *manifest.config.digest,
                          .size_bytes = size_bytes,
                          .config = std::move(config)};
  RETURN_IF_ERROR(remember(reference, assembly));
  return describe(assembly);
}

Result<std::string> ImageStore::store_config(const Descriptor& config, Source& source) const {
  const std::int64_t limit = options_.limits.manifest_bytes;
  const auto limit_bytes = static_cast<std::size_t>(limit);
  const std::string path = blob_path(*config.digest);
  if (auto stored = host::read_file(path, limit_bytes);
      stored && Digest::of(*stored) == *config.digest) {
    return stored;
  }
  ASSIGN_OR_RETURN(host::Fd file, temporary_file());
  BlobWriter writer(std::move(file), config, limit);
  RETURN_IF_ERROR(source.fetch(config, writer));
  ASSIGN_OR_RETURN(
      const std::string text,
      host::read_file(fmt::format("/proc/self/fd/{}", writer.file()), limit_bytes));
  RETURN_IF_ERROR(store_bytes(*config.digest, text));
  return text;
}

Status ImageStore::store_bytes(const Digest& digest, std::string_view bytes) const {
  // The lock keeps two threads off the same temporary name.
  ASSIGN_OR_RETURN(const host::Fd held, lock(file_name(digest), {}));
  return write_if_changed(blob_path(digest), bytes);
}

Status ImageStore::store_layer(const Descriptor& layer, const Digest& diff_id, Source& source,
                               const std::stop_token& stop) const {
  const std::string path = layer_path(diff_id);
  if (exists(path)) return {};
  ASSIGN_OR_RETURN(const host::Fd held, lock(file_name(diff_id), stop));
  if (exists(path)) return {};  // Another process has made it while we waited.
  ASSIGN_OR_RETURN(host::Fd file, temporary_file());
  BlobWriter writer(std::move(file), layer, options_.limits.layer_bytes);
  RETURN_IF_ERROR(source.fetch(layer, writer));
  auto status = unpack(writer.file(), diff_id, stop);
  if (!status) return wrap("layer " + diff_id.text(), std::move(status).error());
  return {};
}

Status ImageStore::unpack(int blob, const Digest& diff_id, const std::stop_token& stop) const {
  const std::string temporary = fmt::format("{}/temporary/{}-{}", directory_, file_name(diff_id),
                                            options_.ownership == Ownership::kKeep ? "k" : "s");
  // Left by a process that died; the lock says that nobody is at it now.
  RETURN_IF_ERROR(host::remove_tree(temporary));
  if (::mkdir(temporary.c_str(), 0755) != 0) return fail_errno("creating " + temporary, errno);
  Scratch scratch(temporary);
  ASSIGN_OR_RETURN(const Tree tree, Tree::open(temporary));
  // The root of a container is open to its users whatever our umask is.
  if (::fchmod(tree.root(), 0755) != 0) return fail_errno("chmod " + temporary, errno);
  ASSIGN_OR_RETURN(const UnpackedLayer layer,
                   unpack_layer(blob, tree, {.ownership = options_.ownership,
                                             .limits = options_.limits,
                                             .stop = stop}));
  if (layer.diff_id != diff_id) {
    return fail(Reason::kInvalid,
                fmt::format("its content has the diff_id {}; it is damaged or forged, or the "
                            "layers are not in the configuration's order",
                            layer.diff_id.text()));
  }
  // A layer that is there is trusted for ever, so it must be whole on disk before it has its name.
  if (::syncfs(tree.root()) != 0) return fail_errno("syncing " + temporary, errno);
  if (::rename(temporary.c_str(), layer_path(diff_id).c_str()) != 0) {
    return fail_errno("renaming " + temporary, errno);
  }
  scratch.keep();
  return {};
}

Status ImageStore::remember(const Reference& reference, const Assembly& assembly) const {
  const json::object record{{"reference", reference.text()},
                            {"digest", assembly.digest.text()},
                            {"config", assembly.config_digest.text()},
                            {"sizeBytes", assembly.size_bytes}};
  const std::string path = reference_path(reference);
  ASSIGN_OR_RETURN(const host::Fd held, lock(Digest::of(reference.text()).hex(), {}));
  return write_if_changed(path, json::serialize(record));
}

Result<StoredImage> ImageStore::recall(const Reference& reference) const {
  const auto limit = static_cast<std::size_t>(options_.limits.manifest_bytes);
  ASSIGN_OR_RETURN(const std::string text, host::read_file(reference_path(reference), limit));
  ASSIGN_OR_RETURN(const json::object record, parse_object(text, "a reference of the image store"));
  ASSIGN_OR_RETURN(const std::string digest_text, string_member(record, "digest"));
  ASSIGN_OR_RETURN(const std::string config_digest, string_member(record, "config"));
  ASSIGN_OR_RETURN(const Digest digest, Digest::parse(digest_text));
  ASSIGN_OR_RETURN(const Digest config_at, Digest::parse(config_digest));
  ASSIGN_OR_RETURN(const std::string config_text, host::read_file(blob_path(config_at), limit));
  if (Digest::of(config_text) != config_at) {
    return fail(Reason::kNotFound, "the stored configuration is damaged");
  }
  ASSIGN_OR_RETURN(Config config, parse_config(config_text));
  ASSIGN_OR_RETURN(const std::int64_t size_bytes, size_member(record, "sizeBytes"));
  return describe({.digest = digest,
                   .config_digest = config_at,
                   .size_bytes = size_bytes,
                   .config = std::move(config)});
}

Result<StoredImage> ImageStore::describe(const Assembly& assembly) const {
  StoredImage out;
  out.image.digest = assembly.digest.text();
  out.image.config = assembly.config.image;
  out.image.size_bytes = assembly.size_bytes;
  for (const Digest& diff_id : assembly.config.diff_ids) {
    const std::string path = layer_path(diff_id);
    if (!exists(path)) {
      return fail(Reason::kNotFound, "layer " + diff_id.text() + " is not stored");
    }
    ASSIGN_OR_RETURN(const bool opaque, has_opaque_root(path));
    if (opaque) out.layers.clear();
    out.layers.push_back(path);
  }
  // An empty layer may occur more than once; overlayfs refuses a directory named twice. The upper
  // one counts.
  std::vector<std::string> unique;
  for (auto layer = out.layers.rbegin(); layer != out.layers.rend(); ++layer) {
    if (std::ranges::find(unique, *layer) == unique.end()) unique.push_back(*layer);
  }
  std::ranges::reverse(unique);
  out.layers = std::move(unique);
  return out;
}

}  // namespace minato::image
