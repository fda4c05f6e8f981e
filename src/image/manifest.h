// Manifests, indexes and configurations of images, OCI and Docker v2, as checked values.
//
// Values; pure functions, thread-safe. Errors: Invalid, and UnsupportedMediaType for what is valid
// but not an image that can run here. Rules: github.com/opencontainers/image-spec manifest.md,
// image-index.md, config.md; distribution "Image Manifest V 2, Schema 2".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"
#include "image/digest.h"
#include "image/options.h"

namespace minato::image {

// Of a manifest in an index: its tag.
inline constexpr const char* kTagAnnotation = "org.opencontainers.image.ref.name";

// What a registry is asked for, all kinds that are understood.
inline constexpr std::string_view kManifestMediaTypes =
    "application/vnd.oci.image.manifest.v1+json,"
    "application/vnd.oci.image.index.v1+json,"
    "application/vnd.docker.distribution.manifest.v2+json,"
    "application/vnd.docker.distribution.manifest.list.v2+json";

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string text() const;  // "linux/arm64/v8"
  bool operator==(const Platform&) const = default;
};

struct Descriptor {
  std::string media_type;
  // Absent only for parts of a docker-archive, which are checked by diff_id instead.
  std::optional<Digest> digest;
  std::int64_t size = -1;  // -1: not known beforehand.
  std::optional<Platform> platform;
  std::string tag;    // Annotation org.opencontainers.image.ref.name.
  std::string entry;  // docker-archive: the name inside the tar.
};

struct Manifest {
  Digest digest;     // Of the text; for a docker-archive, of the configuration ("image ID").
  std::string text;  // As received; "" for a docker-archive.
  Descriptor config;
  std::vector<Descriptor> layers;  // Lowest first.
};

struct Index {
  std::vector<Descriptor> manifests;
};

struct Config {
  container::ImageConfig image;
  Platform platform;
  std::vector<Digest> diff_ids;  // Lowest first; the order that counts.
};

// `text` is already verified against its digest. A document that reads both as a manifest and as
// an index is refused (CVE-2021-41190), and so are Docker's schema 1 and other artifacts.
Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text, const Limits& limits);
Result<Config> parse_config(std::string_view text);

// The entry for linux on `architecture`; otherwise NotFound naming the platforms there are.
Result<Descriptor> choose_platform(const Index& index, std::string_view architecture);

// Both lists tell of the same layers and the configuration is for this machine.
Status check_consistent(const Manifest& manifest, const Config& config,
                        std::string_view architecture);

}  // namespace minato::image
