// Names of images, as people and Pods write them.
//
//   oci:DIR[:TAG]                      an OCI image layout directory
//   docker-archive:FILE[:TAG]          a tar as `docker save` writes it
//   docker://REGISTRY/NAME[:TAG|@DIGEST]
//   NAME, NAME:TAG, REGISTRY/NAME@DIGEST   the same without the prefix, with Docker's defaults
//
// A value. Rules: github.com/distribution/reference (grammar and the docker.io/library defaults)
// and containers-transports(5). Errors: Invalid, with what is wrong and an example.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/digest.h"

namespace minato::image {

struct Reference {
  enum class Kind { kLayout, kArchive, kRegistry };

  Kind kind = Kind::kRegistry;
  std::string path;      // kLayout, kArchive: the directory or file.
  std::string registry;  // kRegistry: "docker.io", "127.0.0.1:5000"
  std::string name;      // kRegistry: "library/nginx"
  // kRegistry without a digest: "latest" if none was given. kLayout, kArchive: "" for the only
  // image there; in an archive it may be a whole "name:tag".
  std::string tag;
  std::optional<Digest> digest;  // kRegistry; wins over the tag.

  static Result<Reference> parse(std::string_view text);
  // In full, and read back to the same value: "docker.io/library/nginx:latest", "oci:/x:1".
  std::string text() const;
  bool operator==(const Reference&) const = default;
};

// The text with a relative path of oci: and docker-archive: made absolute below `base_directory`
// (the directory of the file that names the image). Other references come back unchanged.
Result<std::string> resolve_relative(std::string_view text, const std::string& base_directory);

// True for localhost, 127.0.0.0/8 and [::1], with or without a port: registries that may be spoken
// to without TLS.
bool is_loopback_registry(std::string_view registry);

}  // namespace minato::image
