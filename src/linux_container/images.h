// What starting a container needs of an image store: layers on disk and who a user is.
//
// Implementations: ImageStoreImages over image::ImageStore; tests give directories. Called on
// worker threads, several at a time: implementations are thread-safe and may block.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/runtime.h"

namespace minato::linux_container {

struct StoredImage {
  container::Image image;
  std::vector<std::string> layer_dirs;  // Topmost first.
  std::string overlay_options;          // What overlayfs needs to read them, or "".
};

struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // Supplementary ones.
  std::string home = "/";
  bool operator==(const ResolvedUser&) const = default;
};

class Images {
 public:
  virtual ~Images() = default;
  // Errors as container::Runtime::pull_image().
  virtual Result<StoredImage> pull(const std::string& reference, container::PullPolicy policy) = 0;
  // "", "1000", "1000:1000", "app", "app:staff" by the image's /etc/passwd and /etc/group.
  // Errors: Invalid, with the name that the image does not know.
  virtual Result<ResolvedUser> resolve_user(const StoredImage& image, const std::string& user) = 0;
};

}  // namespace minato::linux_container
