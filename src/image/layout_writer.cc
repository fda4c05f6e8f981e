#include "image/layout_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "host/files.h"
#include "image/json.h"
#include "image/manifest.h"
#include "image/tree.h"

namespace minato::image {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::size_t kIndexLimit = 4 << 20;

struct Blob {
  Digest digest;
  std::int64_t size = 0;
};
struct LayerBlob {
  Blob blob;
  Digest diff_id;
};

std::string layer_type(Compression compression) {
  const std::string tar = "application/vnd.oci.image.layer.v1.tar";
  switch (compression) {
    case Compression::kNone: return tar;
    case Compression::kGzip: return tar + "+gzip";
    case Compression::kZstd: return tar + "+zstd";
  }
  return tar;
}

json::array to_json(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

json::object descriptor(std::string_view type, const Blob& blob) {
  return {{"mediaType", std::string(type)},
          {"digest", blob.digest.text()},
          {"size", blob.size}};
}

Result<Blob> write_blob(const std::string& directory, std::string_view bytes) {
  Blob blob{.digest = Digest::of(bytes), .size = static_cast<std::int64_t>(bytes.size())};
  RETURN_IF_ERROR(host::write_file_atomic(directory + "/blobs/" + blob.digest.path(), bytes));
  return blob;
}

// Tar on the way to a compressed file, with both digests taken.
class LayerWriter {
 public:
  static Result<LayerWriter> open(const std::string& path, Compression compression);
  LayerWriter(LayerWriter&&) = default;
  Status add(const LayerFile& file);
  Result<LayerBlob> finish();

 private:
  struct State {
    host::Fd file;
    Hasher plain;
    Hasher packed;
    std::int64_t packed_bytes = 0;
    std::unique_ptr<Compressor> compressor;
    Status status;
    struct archive* archive = archive_write_new();
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { archive_write_free(archive); }
    static la_ssize_t on_tar(struct archive* archive, void* self, const void* bytes,
                             std::size_t size);
    Status write_packed(std::string_view bytes);
  };
  explicit LayerWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
  Status add_content(const LayerFile& file, std::int64_t size);
  std::unexpected<Error> failure() const;

  std::unique_ptr<State> state_;
};

Status LayerWriter::State::write_packed(std::string_view bytes) {
  packed.update(bytes);
  packed_bytes += static_cast<std::int64_t>(bytes.size());
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing a layer", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

la_ssize_t LayerWriter::State::on_tar(struct archive* archive, void* self, const void* bytes,
                                      std::size_t size) {
  auto* state = static_cast<State*>(self);
  const std::string_view text(static_cast<const char*>(bytes), size);
  state->plain.update(text);
  state->status = state->compressor->append(text);
  if (state->status) return static_cast<la_ssize_t>(size);
  archive_set_error(archive, EIO, "compressing failed");
  return -1;
}

std::unexpected<Error> LayerWriter::failure() const {
  if (!state_->status) return std::unexpected(state_->status.error());
  const char* text = archive_error_string(state_->archive);
  return fail(Reason::kInternalError, fmt::format("writing a layer: {}", text ? text : "unknown"));
}

Result<LayerWriter> LayerWriter::open(const std::string& path, Compression compression) {
  auto state = std::make_unique<State>();
  state->file = host::Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!state->file) return fail_errno("writing " + path, errno);
  State* raw = state.get();
  ASSIGN_OR_RETURN(Compressor compressor,
                   Compressor::open(compression, [raw](std::string_view bytes) {
                     return raw->write_packed(bytes);
                   }));
  state->compressor = std::make_unique<Compressor>(std::move(compressor));
  archive_write_set_format_pax_restricted(state->archive);
  // Names are bytes; without this they would depend on the locale.
  archive_write_set_options(state->archive, "hdrcharset=BINARY");
  archive_write_set_bytes_in_last_block(state->archive, 1);
  if (archive_write_open(state->archive, raw, nullptr, State::on_tar, nullptr) != ARCHIVE_OK) {
    return LayerWriter(std::move(state)).failure();
  }
  return LayerWriter(std::move(state));
}

Status LayerWriter::add_content(const LayerFile& file, std::int64_t size) {
  if (file.source_path.empty()) {
    if (archive_write_data(state_->archive, file.content.data(), file.content.size()) < 0) {
      return failure();
    }
    return {};
  }
  const host::Fd source(::open(file.source_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail_errno("reading " + file.source_path, errno);
  std::vector<char> buffer(256 * 1024);
  std::int64_t copied = 0;
  while (true) {
    const ssize_t n = ::read(source.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + file.source_path, errno);
    if (n == 0) break;
    copied += n;
    if (archive_write_data(state_->archive, buffer.data(), static_cast<std::size_t>(n)) < 0) {
      return failure();
    }
  }
  if (copied != size) {
    return fail(Reason::kConflict, file.source_path + " changed while it was read");
  }
  return {};
}

Status LayerWriter::add(const LayerFile& file) {
  ASSIGN_OR_RETURN(const auto components, split_entry_name(file.path));
  if (components.empty()) return fail(Reason::kInvalid, "a file of the image has no name");
  std::int64_t size = 0;
  if (file.kind == LayerFile::Kind::kFile) {
    size = static_cast<std::int64_t>(file.content.size());
    if (!file.source_path.empty()) {
      struct stat info {};
      if (::stat(file.source_path.c_str(), &info) != 0) {
        return fail_errno("reading " + file.source_path, errno);
      }
      size = info.st_size;
    }
  }
  const std::unique_ptr<struct archive_entry, decltype(&archive_entry_free)> entry(
      archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), file.path.c_str());
  archive_entry_set_perm(entry.get(), file.mode);
  archive_entry_set_uid(entry.get(), file.uid);
  archive_entry_set_gid(entry.get(), file.gid);
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_size(entry.get(), size);
  switch (file.kind) {
    case LayerFile::Kind::kFile: archive_entry_set_filetype(entry.get(), AE_IFREG); break;
    case LayerFile::Kind::kDirectory: archive_entry_set_filetype(entry.get(), AE_IFDIR); break;
    case LayerFile::Kind::kSymlink:
      archive_entry_set_filetype(entry.get(), AE_IFLNK);
      archive_entry_set_symlink(entry.get(), file.content.c_str());
      break;
  }
  if (archive_write_header(state_->archive, entry.get()) < ARCHIVE_WARN) return failure();
  if (file.kind == LayerFile::Kind::kFile) return add_content(file, size);
  return {};
}

Result<LayerBlob> LayerWriter::finish() {
  if (archive_write_close(state_->archive) != ARCHIVE_OK) return failure();
  RETURN_IF_ERROR(state_->compressor->finish());
  return LayerBlob{.blob = {.digest = state_->packed.finish(), .size = state_->packed_bytes},
                   .diff_id = state_->plain.finish()};
}

Result<LayerBlob> write_layer(const std::string& directory, std::vector<LayerFile> files,
                              Compression compression) {
  std::ranges::stable_sort(files, {}, &LayerFile::path);
  const std::string temporary = fmt::format("{}/.layer.{}.tmp", directory, ::getpid());
  ASSIGN_OR_RETURN(LayerWriter writer, LayerWriter::open(temporary, compression));
  const auto write = [&]() -> Result<LayerBlob> {
    for (const LayerFile& file : files) RETURN_IF_ERROR(writer.add(file));
    return writer.finish();
  };
  auto blob = write();
  if (blob) {
    const std::string path = directory + "/blobs/" + blob->blob.digest.path();
    if (::rename(temporary.c_str(), path.c_str()) == 0) return blob;
    blob = fail_errno("writing " + path, errno);
  }
  ::unlink(temporary.c_str());
  return blob;
}

json::object config_document(const LayoutImage& image, const std::vector<LayerBlob>& layers) {
  const container::ImageConfig& config = image.config;
  json::object inner;
  if (!config.user.empty()) inner["User"] = config.user;
  if (!config.exposed_ports.empty()) {
    json::object ports;
    for (const std::string& port : config.exposed_ports) ports[port] = json::object();
    inner["ExposedPorts"] = std::move(ports);
  }
  if (!config.env.empty()) inner["Env"] = to_json(config.env);
  if (!config.entrypoint.empty()) inner["Entrypoint"] = to_json(config.entrypoint);
  if (!config.cmd.empty()) inner["Cmd"] = to_json(config.cmd);
  if (!config.working_dir.empty()) inner["WorkingDir"] = config.working_dir;
  if (!config.stop_signal.empty()) inner["StopSignal"] = config.stop_signal;
  if (!config.labels.empty()) {
    json::object labels;
    for (const auto& [name, value] : config.labels) labels[name] = value;
    inner["Labels"] = std::move(labels);
  }
  json::array diff_ids;
  for (const LayerBlob& layer : layers) diff_ids.emplace_back(layer.diff_id.text());
  return {{"architecture", image.architecture},
          {"os", "linux"},
          {"config", std::move(inner)},
          {"rootfs", json::object{{"type", "layers"}, {"diff_ids", std::move(diff_ids)}}}};
}

// The present index without the tag, or an empty one.
Result<json::array> other_manifests(const std::string& directory, const std::string& tag) {
  auto text = host::read_file(directory + "/index.json", kIndexLimit);
  if (failed_with(text, Reason::kNotFound)) return json::array();
  if (!text) return std::unexpected(text.error());
  ASSIGN_OR_RETURN(const json::object index, parse_object(*text, "index.json"));
  ASSIGN_OR_RETURN(const json::array* manifests, array_member(index, "manifests"));
  json::array kept;
  for (const json::value& value : manifests == nullptr ? json::array() : *manifests) {
    ASSIGN_OR_RETURN(const json::object* entry, as_object(value, "an entry of index.json"));
    ASSIGN_OR_RETURN(const json::object* annotations, object_member(*entry, "annotations"));
    std::string name;
    if (annotations != nullptr) {
      ASSIGN_OR_RETURN(name, string_member(*annotations, kTagAnnotation));
    }
    if (name != tag) kept.push_back(value);
  }
  return kept;
}

}  // namespace

Result<std::vector<LayerFile>> list_tree(const std::string& directory) {
  std::vector<LayerFile> files;
  std::error_code error;
  fs::recursive_directory_iterator walk(directory, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    const fs::file_status status = walk->symlink_status(error);
    if (error) break;
    LayerFile file{.path = walk->path().lexically_relative(directory).string(),
                   .mode = static_cast<std::uint32_t>(status.permissions())};
    if (fs::is_regular_file(status)) {
      file.source_path = walk->path();
    } else if (fs::is_directory(status)) {
      file.kind = LayerFile::Kind::kDirectory;
    } else if (fs::is_symlink(status)) {
      file.kind = LayerFile::Kind::kSymlink;
      file.content = fs::read_symlink(walk->path(), error);
    } else {
      return fail(Reason::kInvalid, walk->path().string() + " is neither file, directory nor link");
    }
    files.push_back(std::move(file));
  }
  if (error) return fail(Reason::kInvalid, "listing " + directory + ": " + error.message());
  return files;
}

Result<Digest> write_layout(const std::string& directory, const std::string& tag,
                            const LayoutImage& image) {
  RETURN_IF_ERROR(host::make_directories(directory + "/blobs/sha256"));
  std::vector<LayerBlob> layers;
  json::array layer_list;
  for (const std::vector<LayerFile>& files : image.layers) {
    ASSIGN_OR_RETURN(LayerBlob layer, write_layer(directory, files, image.compression));
    layer_list.emplace_back(descriptor(layer_type(image.compression), layer.blob));
    layers.push_back(std::move(layer));
  }
  ASSIGN_OR_RETURN(const Blob config,
                   write_blob(directory, json::serialize(config_document(image, layers))));
  const json::object manifest{{"schemaVersion", 2},
                              {"mediaType", std::string(kManifestType)},
                              {"config", descriptor(kConfigType, config)},
                              {"layers", std::move(layer_list)}};
  ASSIGN_OR_RETURN(const Blob blob, write_blob(directory, json::serialize(manifest)));
  ASSIGN_OR_RETURN(json::array manifests, other_manifests(directory, tag));
  json::object entry = descriptor(kManifestType, blob);
  entry["platform"] = json::object{{"architecture", image.architecture}, {"os", "linux"}};
  entry["annotations"] = json::object{{kTagAnnotation, tag}};
  manifests.emplace_back(std::move(entry));
  const json::object index{{"schemaVersion", 2},
                           {"mediaType", "application/vnd.oci.image.index.v1+json"},
                           {"manifests", std::move(manifests)}};
  RETURN_IF_ERROR(host::write_file_atomic(directory + "/oci-layout",
                                          "{\"imageLayoutVersion\":\"1.0.0\"}"));
  // Last, since it makes the rest count.
  RETURN_IF_ERROR(host::write_file_atomic(directory + "/index.json", json::serialize(index)));
  return blob.digest;
}

}  // namespace minato::image
