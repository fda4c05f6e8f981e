// Unpacks one layer, a tar stream from strangers, into a directory of its own, in the form that
// overlayfs takes as a lower directory.
//
// Each layer stands alone, as in Docker's overlay2: entries never see or touch other layers.
// Rule: github.com/opencontainers/image-spec layer.md.
//
//   .wh.NAME      becomes a character device 0/0, overlayfs's whiteout. Making that one device
//                 needs no privilege since Linux 5.8, in user namespaces or out of them.
//   .wh..wh..opq  sets the extended attribute user.overlay.opaque. Unlike trusted.*, an ordinary
//                 user may set it; overlayfs reads it when mounted with `userxattr`, which root may
//                 pass as well. So that one form serves both, that option is always necessary:
//                 kOverlayMountOption. At the top of a layer it hides all layers below, which
//                 overlayfs does not do by itself: then opaque_root is set, and whoever stacks
//                 layers leaves the lower ones out.
//   devices       are passed over (containers get their own /dev), and sockets; FIFOs are made.
//   modes         are kept, set-user-ID bits included: the directory must lie where other users
//                 cannot reach it; containers run with no_new_privs by default.
//   attributes    user.* and security.capability are kept where permitted; others are dropped,
//                 above all overlayfs's own.
//   names         ".." is refused; a leading '/' means the layer's root; a later entry replaces an
//                 earlier one of the same name; symbolic links on the way are followed as if the
//                 layer were "/".
//
// Blocking: for worker threads. Errors: Invalid (hostile or damaged layer, exceeded limit),
// Unavailable (disk full; no user.* attributes here), Forbidden (ownership that may not be set),
// Aborted. After a failure the directory holds a part; the caller removes it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/digest.h"
#include "image/options.h"
#include "image/tree.h"

namespace minato::image {

// The option that overlayfs needs to understand unpacked layers.
inline constexpr std::string_view kOverlayMountOption = "userxattr";

struct UnpackOptions {
  Ownership ownership = Ownership::kKeep;
  Limits limits;
  std::stop_token stop;
};

struct UnpackedLayer {
  Digest diff_id;  // Of the uncompressed stream, as it was read: for the caller to compare.
  bool opaque_root = false;
  std::int64_t uncompressed_bytes = 0;
  std::int64_t skipped_devices = 0;
};

// Reads the layer from `blob` (gzip, zstd or plain) into `tree`, which is empty and this caller's
// alone.
Result<UnpackedLayer> unpack_layer(int blob, const Tree& tree, const UnpackOptions& options);

// Whether the unpacked layer hides all layers below it.
Result<bool> has_opaque_root(const std::string& directory);

}  // namespace minato::image
