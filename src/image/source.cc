#include "image/source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace minato::image {
namespace {

std::string name_of(const std::optional<Digest>& digest) {
  return digest ? "blob " + digest->text() : std::string("a part of the archive");
}

DigestAlgorithm algorithm_of(const std::optional<Digest>& digest) {
  return digest ? digest->algorithm() : DigestAlgorithm::kSha256;
}

}  // namespace

BlobWriter::BlobWriter(host::Fd file, const Descriptor& expected, std::int64_t limit_bytes)
    : file_(std::move(file)),
      digest_(expected.digest),
      promised_size_(expected.size),
      limit_bytes_(limit_bytes),
      hasher_(algorithm_of(expected.digest)) {}

Status BlobWriter::append(std::string_view bytes) {
  Status status = write(bytes);
  if (!status) failed_ = true;
  return status;
}

Status BlobWriter::write(std::string_view bytes) {
  const std::int64_t size = size_ + static_cast<std::int64_t>(bytes.size());
  if (promised_size_ >= 0 && size > promised_size_) {
    return fail(Reason::kInvalid,
                fmt::format("{} is larger than the {} bytes its manifest promises",
                            name_of(digest_), promised_size_));
  }
  if (size > limit_bytes_) {
    return fail(Reason::kInvalid,
                fmt::format("{} is larger than the limit of {} bytes", name_of(digest_),
                            limit_bytes_));
  }
  size_ = size;
  hasher_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing " + name_of(digest_) + " to the image store", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status BlobWriter::restart() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) {
    return fail_errno("emptying a file of the image store", errno);
  }
  size_ = 0;
  hasher_ = Hasher(algorithm_of(digest_));
  return {};
}

Status BlobWriter::finish() {
  if (promised_size_ >= 0 && size_ != promised_size_) {
    return fail(Reason::kInvalid, fmt::format("{} has {} bytes; its manifest promises {}",
                                              name_of(digest_), size_, promised_size_));
  }
  const Digest actual = hasher_.finish();
  if (digest_ && actual != *digest_) {
    return fail(Reason::kInvalid, fmt::format("{} is damaged or forged: its content has the digest "
                                              "{}",
                                              name_of(digest_), actual.text()));
  }
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return fail_errno("reading a blob again", errno);
  return {};
}

std::unique_ptr<Source> make_source(const Reference& reference, const Options& options,
                                    std::stop_token stop) {
  switch (reference.kind) {
    case Reference::Kind::kLayout: return make_layout_source(reference, options, std::move(stop));
    case Reference::Kind::kArchive: return make_archive_source(reference, options, std::move(stop));
    case Reference::Kind::kRegistry: break;
  }
  return make_registry_source(reference, options, std::move(stop));
}

}  // namespace minato::image
