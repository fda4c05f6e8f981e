// The image store: a directory of verified manifests and unpacked layers, named by content.
//
// Shared by worlds and safe for concurrent processes and threads: everything is made under a
// temporary name, checked, and renamed into place while a lock file is held, so that the same layer
// is fetched and unpacked once and a crash leaves nothing half-made that counts. An ImageStore has
// no mutable state; pull() may run on several threads.
//
// Blocking, from milliseconds to minutes: call from a worker thread (host::Loop::run_blocking),
// never on the loop. The directory is closed to other users (0700), because layers keep
// set-user-ID bits.
//
//   blobs/<algorithm>/<hex>            manifests and configurations, as received
//   layers/{keep,self}/<algorithm>/<hex>   unpacked layers by diff_id and Ownership
//   references/<hex>                   what a reference was resolved to
//   locks/, temporary/
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"
#include "host/files.h"
#include "image/layer.h"
#include "image/manifest.h"
#include "image/options.h"
#include "image/reference.h"
#include "image/source.h"

namespace minato::image {

struct StoredImage {
  container::Image image;
  // Directories of the unpacked layers, lowest first: reversed and joined by ':', they are
  // overlayfs's `lowerdir`, with kOverlayMountOption. Layers that an opaque root hides are left
  // out. mount(2) takes one page of options; above some 30 layers use fsconfig(2) "lowerdir+".
  std::vector<std::string> layers;
};

class ImageStore {
 public:
  // Makes the directory if necessary.
  static Result<ImageStore> open(const std::string& directory, Options options);

  // Errors: Invalid (reference, digest, size, hostile layer, other architecture), NotFound (no such
  // image; not stored with kNever), Unauthorized, Unavailable (network, registry, disk full),
  // Aborted (stop). The message begins with the reference.
  //
  // kIfNotPresent trusts what a registry reference was resolved to before; layouts and archives
  // are looked at again whenever they are there, since that is cheap and they change in
  // development.
  Result<StoredImage> pull(const std::string& reference, container::PullPolicy policy,
                           std::stop_token stop = {}) const;

  const std::string& directory() const { return directory_; }

 private:
  ImageStore(std::string directory, Options options)
      : directory_(std::move(directory)), options_(std::move(options)) {}

  // What the store keeps of an image.
  struct Assembly {
    Digest digest;  // Of the manifest.
    Digest config_digest;
    std::int64_t size_bytes = 0;
    Config config;
  };

  Result<StoredImage> pull_parsed(const Reference& reference, container::PullPolicy policy,
                                  const std::stop_token& stop) const;
  Result<StoredImage> fetch(const Reference& reference, const std::stop_token& stop) const;
  Result<StoredImage> recall(const Reference& reference) const;
  Result<std::string> store_config(const Descriptor& config, Source& source) const;
  Status store_layer(const Descriptor& layer, const Digest& diff_id, Source& source,
                     const std::stop_token& stop) const;
  Status unpack(int blob, const Digest& diff_id, const std::stop_token& stop) const;
  Status store_bytes(const Digest& digest, std::string_view bytes) const;
  Status remember(const Reference& reference, const Assembly& assembly) const;
  Result<StoredImage> describe(const Assembly& assembly) const;

  Result<host::Fd> lock(const std::string& name, const std::stop_token& stop) const;
  Result<host::Fd> temporary_file() const;
  std::string blob_path(const Digest& digest) const;
  std::string layer_path(const Digest& diff_id) const;
  std::string reference_path(const Reference& reference) const;

  std::string directory_;
  Options options_;
};

}  // namespace minato::image
