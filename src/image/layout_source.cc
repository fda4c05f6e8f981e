// An OCI image layout directory (github.com/opencontainers/image-spec image-layout.md).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "image/source.h"

namespace minato::image {
namespace {

constexpr std::size_t kChunkBytes = 256 * 1024;

class LayoutSource final : public Source {
 public:
  LayoutSource(Reference reference, const Options& options, std::stop_token stop)
      : reference_(std::move(reference)), options_(options), stop_(std::move(stop)) {}

  Result<Manifest> manifest() override;
  Status fetch(const Descriptor& blob, BlobWriter& out) override;

 private:
  Result<host::Fd> open(const std::string& name) const;
  Result<std::string> read_small(const std::string& name) const;
  Result<Descriptor> choose_tag(const Index& index) const;

  Reference reference_;
  const Options& options_;
  std::stop_token stop_;
};

// The layout may be anyone's: a FIFO in the place of a file must not block, a device not be read.
Result<host::Fd> LayoutSource::open(const std::string& name) const {
  const std::string path = reference_.path + "/" + name;
  host::Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("opening " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("opening " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(Reason::kInvalid, path + " is not a regular file");
  return fd;
}

Result<std::string> LayoutSource::read_small(const std::string& name) const {
  ASSIGN_OR_RETURN(const host::Fd fd, open(name));
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + reference_.path + "/" + name, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (static_cast<std::int64_t>(content.size()) > options_.limits.manifest_bytes) {
      return fail(Reason::kInvalid, fmt::format("{}/{} is larger than {} bytes", reference_.path,
                                                name, options_.limits.manifest_bytes));
    }
  }
}

Result<Descriptor> LayoutSource::choose_tag(const Index& index) const {
  if (reference_.tag.empty()) return choose_platform(index, options_.architecture);
  Index tagged;
  std::vector<std::string> tags;
  for (const Descriptor& entry : index.manifests) {
    if (entry.tag == reference_.tag) tagged.manifests.push_back(entry);
    if (!entry.tag.empty()) tags.push_back(entry.tag);
  }
  // An entry without a platform is an image or an index that says more itself.
  if (tagged.manifests.size() == 1 && !tagged.manifests[0].platform) return tagged.manifests[0];
  if (!tagged.manifests.empty()) return choose_platform(tagged, options_.architecture);
  return fail(Reason::kNotFound, fmt::format("there is no tag \"{}\"; available: {}",
                                             reference_.tag,
                                             tags.empty() ? "none" : join(tags, ", ")));
}

Result<Manifest> LayoutSource::manifest() {
  auto text = read_small("index.json");
  if (failed_with(text, Reason::kNotFound)) {
    return fail(Reason::kNotFound,
                reference_.path + " is not an OCI image layout: it has no index.json");
  }
  if (!text) return std::unexpected(text.error());
  ASSIGN_OR_RETURN(auto top, parse_manifest(*text, options_.limits));
  const Index* index = std::get_if<Index>(&top);
  if (index == nullptr) return fail(Reason::kInvalid, "index.json is not an index");
  ASSIGN_OR_RETURN(Descriptor descriptor, choose_tag(*index));
  for (int depth = 0; depth < kIndexDepth; ++depth) {
    ASSIGN_OR_RETURN(const std::string document, read_small("blobs/" + descriptor.digest->path()));
    Hasher hasher(descriptor.digest->algorithm());
    hasher.update(document);
    if (hasher.finish() != *descriptor.digest ||
        static_cast<std::int64_t>(document.size()) != descriptor.size) {
      return fail(Reason::kInvalid,
                  fmt::format("manifest {} is damaged or forged: its content has another digest or "
                              "size",
                              descriptor.digest->text()));
    }
    ASSIGN_OR_RETURN(auto parsed, parse_manifest(document, options_.limits));
    if (auto* manifest = std::get_if<Manifest>(&parsed)) {
      manifest->digest = *descriptor.digest;
      return std::move(*manifest);
    }
    ASSIGN_OR_RETURN(descriptor, choose_platform(std::get<Index>(parsed), options_.architecture));
  }
  return fail(Reason::kInvalid, "the image's indexes are nested too deep");
}

Status LayoutSource::fetch(const Descriptor& blob, BlobWriter& out) {
  ASSIGN_OR_RETURN(const host::Fd fd, open("blobs/" + blob.digest->path()));
  std::vector<char> buffer(kChunkBytes);
  while (true) {
    if (stop_.stop_requested()) return fail(Reason::kAborted, "reading the image was cancelled");
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading blob " + blob.digest->text(), errno);
    if (n == 0) return out.finish();
    RETURN_IF_ERROR(out.append(std::string_view(buffer.data(), static_cast<std::size_t>(n))));
  }
}

}  // namespace

std::unique_ptr<Source> make_layout_source(const Reference& reference, const Options& options,
                                           std::stop_token stop) {
  return std::make_unique<LayoutSource>(reference, options, std::move(stop));
}

}  // namespace minato::image
