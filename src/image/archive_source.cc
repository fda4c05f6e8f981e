// A tar as `docker save` and `docker buildx --output type=docker` write it (manifest.json format;
// github.com/moby/moby image/spec v1.2, "Combined Image JSON + Filesystem Changeset Format").
//
// The manifest carries no digests: the configuration is checked against its name when that is a
// digest, and layers against the configuration's diff_ids when they are unpacked.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/strings.h"
#include "image/json.h"
#include "image/source.h"
#include "image/tar_reader.h"

namespace minato::image {
namespace {

namespace json = boost::json;

constexpr int kLinkDepth = 8;  // Old archives share layers by symbolic links.

struct ArchiveImage {
  std::string config;
  std::vector<std::string> tags;
  std::vector<std::string> layers;
};

class ArchiveSource final : public Source {
 public:
  ArchiveSource(Reference reference, const Options& options, std::stop_token stop)
      : reference_(std::move(reference)), options_(options), stop_(std::move(stop)) {}

  Result<Manifest> manifest() override;
  Status fetch(const Descriptor& blob, BlobWriter& out) override;

 private:
  using Sink = std::function<Status(std::string_view)>;
  Status extract(const std::string& name, const Sink& sink) const;
  Result<std::string> read_small(const std::string& name) const;
  Result<ArchiveImage> choose_image(const std::string& text) const;
  bool names_it(const ArchiveImage& image) const;

  Reference reference_;
  const Options& options_;
  std::stop_token stop_;
};

// "./a/../b" as "b"; never leaves the archive, which holds names and not files.
std::string normal(const std::filesystem::path& name) {
  return name.relative_path().lexically_normal().string();
}

// One pass over the archive per part: nothing is kept between, whatever the archive's size.
Status ArchiveSource::extract(const std::string& name, const Sink& sink) const {
  const host::Fd file(::open(reference_.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail_errno("opening " + reference_.path, errno);
  std::string wanted = normal(name);
  Limits limits = options_.limits;
  // The archive holds all layers; its own size is bounded by that of the largest sensible image.
  limits.unpacked_bytes *= limits.layers;
  for (int depth = 0; depth < kLinkDepth; ++depth) {
    if (::lseek(file.get(), 0, SEEK_SET) != 0) {
      return fail_errno("reading " + reference_.path, errno);
    }
    ASSIGN_OR_RETURN(TarReader reader, TarReader::open(file.get(), limits, stop_));
    while (true) {
      ASSIGN_OR_RETURN(const auto entry, reader.next());
      if (!entry) {
        return fail(Reason::kNotFound, fmt::format("{} holds no \"{}\"", reference_.path, wanted));
      }
      if (normal(entry->name) != wanted) continue;
      if (entry->type == TarEntry::Type::kFile) {
        return reader.read_data([&](std::int64_t, std::string_view bytes) { return sink(bytes); });
      }
      if (entry->type != TarEntry::Type::kSymlink && entry->type != TarEntry::Type::kHardLink) {
        return fail(Reason::kInvalid, fmt::format("\"{}\" in the archive is not a file", wanted));
      }
      const bool relative = entry->type == TarEntry::Type::kSymlink;
      wanted = normal(relative ? std::filesystem::path(wanted).parent_path() / entry->link
                               : std::filesystem::path(entry->link));
      break;
    }
  }
  return fail(Reason::kInvalid,
              fmt::format("\"{}\" in the archive is behind too many links", name));
}

Result<std::string> ArchiveSource::read_small(const std::string& name) const {
  std::string content;
  RETURN_IF_ERROR(extract(name, [&](std::string_view bytes) -> Status {
    content += bytes;
    if (static_cast<std::int64_t>(content.size()) <= options_.limits.manifest_bytes) return {};
    return fail(Reason::kInvalid, fmt::format("\"{}\" is larger than {} bytes", name,
                                              options_.limits.manifest_bytes));
  }));
  return content;
}

bool ArchiveSource::names_it(const ArchiveImage& image) const {
  return std::ranges::any_of(image.tags, [&](const std::string& tag) {
    if (tag == reference_.tag) return true;
    const auto full = Reference::parse(tag);
    const auto wanted = Reference::parse(reference_.tag);
    // "web:1" and "docker.io/library/web:1" are one name; "1" alone is a tag of any name.
    return full && ((wanted && full->text() == wanted->text()) || full->tag == reference_.tag);
  });
}

Result<ArchiveImage> ArchiveSource::choose_image(const std::string& text) const {
  // manifest.json is a bare list; as a member it can be read like every other document.
  ASSIGN_OR_RETURN(const json::object document,
                   parse_object("{\"images\":" + text + "}", "manifest.json"));
  ASSIGN_OR_RETURN(const json::array* images, array_member(document, "images"));
  std::vector<ArchiveImage> found;
  std::vector<std::string> tags;
  for (const json::value& value : images == nullptr ? json::array() : *images) {
    ASSIGN_OR_RETURN(const json::object* object, as_object(value, "an image of manifest.json"));
    ArchiveImage image;
    ASSIGN_OR_RETURN(image.config, string_member(*object, "Config"));
    ASSIGN_OR_RETURN(image.tags, strings_member(*object, "RepoTags"));
    ASSIGN_OR_RETURN(image.layers, strings_member(*object, "Layers"));
    tags.insert(tags.end(), image.tags.begin(), image.tags.end());
    if (reference_.tag.empty() || names_it(image)) found.push_back(std::move(image));
  }
  if (found.size() == 1) return std::move(found[0]);
  return fail(found.empty() ? Reason::kNotFound : Reason::kInvalid,
              fmt::format("{} holds {} image of that name; available: {}", reference_.path,
                          found.empty() ? "no" : "more than one",
                          tags.empty() ? "none" : join(tags, ", ")));
}

Result<Manifest> ArchiveSource::manifest() {
  ASSIGN_OR_RETURN(const std::string text, read_small("manifest.json"));
  ASSIGN_OR_RETURN(const ArchiveImage image, choose_image(text));
  if (static_cast<std::int64_t>(image.layers.size()) > options_.limits.layers) {
    return fail(Reason::kInvalid, fmt::format("the image has {} layers; the limit is {}",
                                              image.layers.size(), options_.limits.layers));
  }
  ASSIGN_OR_RETURN(const std::string config, read_small(image.config));
  Manifest out{.digest = Digest::of(config), .text = "", .config = {}, .layers = {}};
  // "<hex>.json", or "blobs/sha256/<hex>" since Docker 25.
  const auto named =
      Digest::parse("sha256:" + std::filesystem::path(image.config).stem().string());
  if (named && *named != out.digest) {
    return fail(Reason::kInvalid, fmt::format("the configuration {} is damaged or forged: its "
                                              "content has the digest {}",
                                              image.config, out.digest.text()));
  }
  out.config.digest = out.digest;
  out.config.size = static_cast<std::int64_t>(config.size());
  out.config.entry = image.config;
  for (const std::string& layer : image.layers) {
    Descriptor descriptor;
    descriptor.entry = layer;
    out.layers.push_back(std::move(descriptor));
  }
  return out;
}

Status ArchiveSource::fetch(const Descriptor& blob, BlobWriter& out) {
  RETURN_IF_ERROR(extract(blob.entry, [&](std::string_view bytes) { return out.append(bytes); }));
  return out.finish();
}

}  // namespace

std::unique_ptr<Source> make_archive_source(const Reference& reference, const Options& options,
                                            std::stop_token stop) {
  return std::make_unique<ArchiveSource>(reference, options, std::move(stop));
}

}  // namespace minato::image
