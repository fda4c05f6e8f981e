#include "image/compression.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace minato::image {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;

std::string reason_of(struct archive* archive) {
  const char* text = archive_error_string(archive);
  return text == nullptr ? "unknown error" : text;
}

Result<Compression> detect(int fd) {
  unsigned char magic[4] = {};
  const off_t start = ::lseek(fd, 0, SEEK_CUR);
  if (start < 0) return fail_errno("reading a layer", errno);
  const ssize_t n = ::pread(fd, magic, sizeof magic, start);
  if (n < 0) return fail_errno("reading a layer", errno);
  if (n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) return Compression::kGzip;
  if (n == 4 && magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd) {
    return Compression::kZstd;
  }
  return Compression::kNone;
}

}  // namespace

struct Decompressor::State {
  int fd = -1;
  std::vector<char> input = std::vector<char>(kChunkBytes);
  std::vector<char> output = std::vector<char>(kChunkBytes);
  std::int64_t consumed = 0;
  int read_error = 0;
  struct archive* archive = nullptr;  // Null: the stream is passed through.

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (archive != nullptr) archive_read_free(archive);
  }

  ssize_t read_input() {
    ssize_t n = 0;
    do {
      n = ::read(fd, input.data(), input.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) read_error = errno;
    if (n > 0) consumed += n;
    return n;
  }

  static la_ssize_t on_read(struct archive* archive, void* self, const void** buffer) {
    auto* state = static_cast<State*>(self);
    const ssize_t n = state->read_input();
    if (n < 0) archive_set_error(archive, state->read_error, "read failed");
    *buffer = state->input.data();
    return n;
  }

  std::unexpected<Error> failure() const {
    if (read_error != 0) return fail_errno("reading a layer", read_error);
    return fail(Reason::kInvalid, "the compressed stream is damaged: " + reason_of(archive));
  }
};

Decompressor::Decompressor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

Result<Decompressor> Decompressor::open(int fd) {
  auto state = std::make_unique<State>();
  state->fd = fd;
  ASSIGN_OR_RETURN(const Compression compression, detect(fd));
  if (compression == Compression::kNone) return Decompressor(std::move(state));
  state->archive = archive_read_new();
  if (state->archive == nullptr) return fail(Reason::kInternalError, "out of memory");
  archive_read_support_format_raw(state->archive);
  // ARCHIVE_WARN means that libarchive would run an external program; that is not wanted.
  const int supported = compression == Compression::kGzip
                            ? archive_read_support_filter_gzip(state->archive)
                            : archive_read_support_filter_zstd(state->archive);
  if (supported != ARCHIVE_OK) {
    return fail(Reason::kUnsupportedMediaType,
                fmt::format("{} layers need a libarchive built with that compression",
                            compression == Compression::kGzip ? "gzip" : "zstd"));
  }
  struct archive_entry* entry = nullptr;
  if (archive_read_open(state->archive, state.get(), nullptr, State::on_read, nullptr) !=
          ARCHIVE_OK ||
      archive_read_next_header(state->archive, &entry) != ARCHIVE_OK) {
    return state->failure();
  }
  return Decompressor(std::move(state));
}

Result<std::string_view> Decompressor::next() {
  if (state_->archive == nullptr) {
    const ssize_t n = state_->read_input();
    if (n < 0) return state_->failure();
    return std::string_view(state_->input.data(), static_cast<std::size_t>(n));
  }
  const la_ssize_t n =
      archive_read_data(state_->archive, state_->output.data(), state_->output.size());
  if (n < 0) return state_->failure();
  return std::string_view(state_->output.data(), static_cast<std::size_t>(n));
}

std::int64_t Decompressor::compressed_bytes() const { return state_->consumed; }

struct Compressor::State {
  Sink sink;
  Status sink_status;
  struct archive* archive = nullptr;  // Null: bytes go to the sink as they are.

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (archive != nullptr) archive_write_free(archive);
  }

  static la_ssize_t on_write(struct archive* archive, void* self, const void* bytes,
                             std::size_t size) {
    auto* state = static_cast<State*>(self);
    state->sink_status = state->sink(std::string_view(static_cast<const char*>(bytes), size));
    if (state->sink_status) return static_cast<la_ssize_t>(size);
    archive_set_error(archive, EIO, "the sink failed");
    return -1;
  }

  std::unexpected<Error> failure() const {
    if (!sink_status) return std::unexpected(sink_status.error());
    return fail(Reason::kInternalError, "compressing: " + reason_of(archive));
  }
};

Compressor::Compressor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

Result<Compressor> Compressor::open(Compression compression, Sink sink) {
  auto state = std::make_unique<State>();
  state->sink = std::move(sink);
  if (compression == Compression::kNone) return Compressor(std::move(state));
  state->archive = archive_write_new();
  if (state->archive == nullptr) return fail(Reason::kInternalError, "out of memory");
  struct archive* archive = state->archive;
  archive_write_set_format_raw(archive);
  archive_write_set_bytes_per_block(archive, 0);
  const int added = compression == Compression::kGzip ? archive_write_add_filter_gzip(archive)
                                                      : archive_write_add_filter_zstd(archive);
  if (added != ARCHIVE_OK) return state->failure();
  if (compression == Compression::kGzip) {
    archive_write_set_filter_option(archive, "gzip", "timestamp", nullptr);
  }
  struct archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  const bool started = archive_write_open(archive, state.get(), nullptr, State::on_write,
                                          nullptr) == ARCHIVE_OK &&
                       archive_write_header(archive, entry) == ARCHIVE_OK;
  archive_entry_free(entry);
  if (!started) return state->failure();
  return Compressor(std::move(state));
}

Status Compressor::append(std::string_view bytes) {
  if (state_->archive == nullptr) return state_->sink(bytes);
  if (archive_write_data(state_->archive, bytes.data(), bytes.size()) < 0) {
    return state_->failure();
  }
  return {};
}

Status Compressor::finish() {
  if (state_->archive != nullptr && archive_write_close(state_->archive) != ARCHIVE_OK) {
    return state_->failure();
  }
  return {};
}

}  // namespace minato::image
