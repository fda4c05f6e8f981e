// Images from the content store that all Nodes share.
//
// Owns its handle on the store, which has no state but the directory. Thread-safe, as Images asks.
#pragma once

#include <utility>

#include "image/store.h"
#include "linux_container/images.h"

namespace minato::linux_container {

class ImageStoreImages final : public Images {
 public:
  explicit ImageStoreImages(image::ImageStore store) : store_(std::move(store)) {}
  Result<StoredImage> pull(const std::string& reference, container::PullPolicy policy) override;
  Result<ResolvedUser> resolve_user(const StoredImage& image, const std::string& user) override;

 private:
  image::ImageStore store_;
};

}  // namespace minato::linux_container
