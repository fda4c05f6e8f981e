#include "image/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "image/compression.h"

namespace minato::image {
namespace {

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

TarEntry::Type type_of(struct archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return TarEntry::Type::kHardLink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return TarEntry::Type::kFile;
    case AE_IFLNK: return TarEntry::Type::kSymlink;
    case AE_IFDIR: return TarEntry::Type::kDirectory;
    case AE_IFIFO: return TarEntry::Type::kFifo;
    case AE_IFCHR:
    case AE_IFBLK: return TarEntry::Type::kDevice;
    default: return TarEntry::Type::kOther;
  }
}

}  // namespace

struct TarReader::State {
  Decompressor input;
  Limits limits;
  std::stop_token stop;
  Hasher hasher = Hasher();
  std::int64_t uncompressed = 0;
  std::int64_t entries = 0;
  Status input_status = {};  // Why the read callback failed.
  struct archive* archive = nullptr;

  State(Decompressor decompressor, const Limits& the_limits, std::stop_token the_stop)
      : input(std::move(decompressor)), limits(the_limits), stop(std::move(the_stop)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (archive != nullptr) archive_read_free(archive);
  }

  Result<std::string_view> pull() {
    if (stop.stop_requested()) return fail(Reason::kAborted, "reading the layer was cancelled");
    ASSIGN_OR_RETURN(const std::string_view bytes, input.next());
    uncompressed += static_cast<std::int64_t>(bytes.size());
    hasher.update(bytes);
    if (uncompressed > limits.unpacked_bytes) {
      return fail(Reason::kInvalid, fmt::format("the layer unpacks to more than the limit of {} "
                                                "bytes",
                                                limits.unpacked_bytes));
    }
    const std::int64_t excess = uncompressed - limits.compression_slack_bytes;
    if (excess > 0 && excess / limits.compression_ratio > input.compressed_bytes()) {
      return fail(Reason::kInvalid, fmt::format("the layer unpacks to more than {} times its size; "
                                                "refusing a likely decompression bomb",
                                                limits.compression_ratio));
    }
    return bytes;
  }

  static la_ssize_t on_read(struct archive* archive, void* self, const void** buffer) {
    auto* state = static_cast<State*>(self);
    auto bytes = state->pull();
    if (!bytes) {
      state->input_status = std::unexpected(bytes.error());
      archive_set_error(archive, EIO, "reading failed");
      return -1;
    }
    *buffer = bytes->data();
    return static_cast<la_ssize_t>(bytes->size());
  }

  std::unexpected<Error> failure() const {
    if (!input_status) return std::unexpected(input_status.error());
    const char* text = archive_error_string(archive);
    return fail(Reason::kInvalid,
                fmt::format("the tar archive is damaged: {}", text == nullptr ? "unknown" : text));
  }
};

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(int fd, const Limits& limits, std::stop_token stop) {
  ASSIGN_OR_RETURN(Decompressor input, Decompressor::open(fd));
  auto state = std::make_unique<State>(std::move(input), limits, std::move(stop));
  state->archive = archive_read_new();
  if (state->archive == nullptr) return fail(Reason::kInternalError, "out of memory");
  archive_read_support_format_tar(state->archive);
  archive_read_support_format_empty(state->archive);  // A layer of no bytes is a valid layer.
  if (archive_read_open(state->archive, state.get(), nullptr, State::on_read, nullptr) !=
      ARCHIVE_OK) {
    return state->failure();
  }
  return TarReader(std::move(state));
}

Result<std::optional<TarEntry>> TarReader::next() {
  struct archive_entry* raw = nullptr;
  const int status = archive_read_next_header(state_->archive, &raw);
  if (status == ARCHIVE_EOF) return std::nullopt;
  // ARCHIVE_WARN stands for names that the locale cannot show; the bytes are there nevertheless.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return state_->failure();
  if (++state_->entries > state_->limits.entries) {
    return fail(Reason::kInvalid, fmt::format("the layer has more than the limit of {} entries",
                                              state_->limits.entries));
  }
  TarEntry entry;
  entry.type = type_of(raw);
  entry.name = text_of(archive_entry_pathname(raw));
  if (entry.name.empty()) return fail(Reason::kInvalid, "the tar archive has a nameless entry");
  entry.link = entry.type == TarEntry::Type::kHardLink ? text_of(archive_entry_hardlink(raw))
                                                       : text_of(archive_entry_symlink(raw));
  entry.mode = static_cast<std::uint32_t>(archive_entry_perm(raw)) & 07777;
  entry.uid = archive_entry_uid(raw);
  entry.gid = archive_entry_gid(raw);
  entry.size = archive_entry_size(raw);
  entry.mtime_seconds = archive_entry_mtime(raw);
  entry.mtime_nanoseconds = archive_entry_mtime_nsec(raw);
  if (entry.size < 0 || entry.size > state_->limits.unpacked_bytes) {
    return fail(Reason::kInvalid,
                fmt::format("entry \"{}\" claims a size of {} bytes; the limit is {}", entry.name,
                            entry.size, state_->limits.unpacked_bytes));
  }
  archive_entry_xattr_reset(raw);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(raw, &name, &value, &size) == ARCHIVE_OK) {
    entry.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return entry;
}

Status TarReader::read_data(
    const std::function<Status(std::int64_t offset, std::string_view)>& block) {
  while (true) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(state_->archive, &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return state_->failure();
    if (size == 0) continue;
    RETURN_IF_ERROR(block(offset, std::string_view(static_cast<const char*>(bytes), size)));
  }
}

Result<Digest> TarReader::finish() {
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view rest, state_->pull());
    if (rest.empty()) return state_->hasher.finish();
  }
}

std::int64_t TarReader::uncompressed_bytes() const { return state_->uncompressed; }

}  // namespace minato::image
