#include "linux_container/image_store_images.h"

#include <algorithm>

#include "image/user.h"

namespace minato::linux_container {

Result<StoredImage> ImageStoreImages::pull(const std::string& reference,
                                           container::PullPolicy policy) {
  ASSIGN_OR_RETURN(image::StoredImage stored, store_.pull(reference, policy));
  std::ranges::reverse(stored.layers);  // The store has the lowest first.
  return StoredImage{.image = std::move(stored.image),
                     .layer_dirs = std::move(stored.layers),
                     .overlay_options = std::string(image::kOverlayMountOption)};
}

Result<ResolvedUser> ImageStoreImages::resolve_user(const StoredImage& image,
                                                    const std::string& user) {
  const std::vector<std::string> lowest_first(image.layer_dirs.rbegin(), image.layer_dirs.rend());
  ASSIGN_OR_RETURN(const image::ResolvedUser resolved, image::resolve_user(lowest_first, user));
  return ResolvedUser{.uid = resolved.uid,
                      .gid = resolved.gid,
                      .groups = resolved.supplementary_gids,
                      .home = resolved.home};
}

}  // namespace minato::linux_container
