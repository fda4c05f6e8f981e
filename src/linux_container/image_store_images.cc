#include "linux_container/image_store_images.h"

#include <algorithm>

#include "image/reference.h"
#include "image/user.h"

namespace minato::linux_container {
namespace {

// The network that Nodes are in leads to no registry.
std::unexpected<Error> explained(const std::string& reference, Error error) {
  const auto parsed = image::Reference::parse(reference);
  const bool is_remote = parsed && parsed->kind == image::Reference::Kind::kRegistry;
  if (is_remote && error.reason == Reason::kUnavailable)
    error.message += "; bring it to this machine first: minato pull " + reference;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<StoredImage> ImageStoreImages::pull(const std::string& reference,
                                           container::PullPolicy policy) {
  auto pulled = store_.pull(reference, policy);
  if (!pulled) return explained(reference, std::move(pulled).error());
  image::StoredImage& stored = *pulled;
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
