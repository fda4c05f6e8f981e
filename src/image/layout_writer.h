// Writes OCI image layouts: layers from lists of files, configuration, manifest, index.
//
// Reproducible: the same input gives the same bytes (entries sorted, times zero, gzip without time
// stamp). Layers stream through temporary files; nothing of a layer's size is kept in memory.
// Stateless; blocking; one writer per directory at a time. Errors: those of files; Invalid for
// names that leave the image. Rule: github.com/opencontainers/image-spec image-layout.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"
#include "image/compression.h"
#include "image/digest.h"
#include "image/options.h"

namespace minato::image {

struct LayerFile {
  enum class Kind { kFile, kDirectory, kSymlink };
  Kind kind = Kind::kFile;
  std::string path;         // In the image, without a leading '/'.
  std::string content;      // kFile; kSymlink: its target.
  std::string source_path;  // kFile: read from here instead, if not "".
  std::uint32_t mode = 0644;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};

// What a directory tree holds, owned by root: regular files, directories and symbolic links.
Result<std::vector<LayerFile>> list_tree(const std::string& directory);

struct LayoutImage {
  std::vector<std::vector<LayerFile>> layers;  // Lowest first.
  container::ImageConfig config;
  std::string architecture = host_architecture();
  Compression compression = Compression::kGzip;
};

// Puts the image into the layout directory, which is made if necessary, under `tag`; other tags
// stay. Gives the digest of the manifest.
Result<Digest> write_layout(const std::string& directory, const std::string& tag,
                            const LayoutImage& image);

}  // namespace minato::image
