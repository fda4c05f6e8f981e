// Who a container runs as: the image's USER, looked up in the image's own /etc/passwd and
// /etc/group.
//
// Reads the layers as overlayfs would show them, without mounting: whiteouts, opaque directories
// and symbolic links that cross layers included. Every component is opened without following links,
// so nothing outside the layers is read. Blocking (a few file reads); stateless, thread-safe.
// Errors: Invalid, fit for a Pod's status.
//
// Rule: github.com/moby/sys user.GetExecUser. Ids above 2^31-1 are refused, in the text and in the
// files: they would wrap to others, root among them (CVE-2024-40635).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::image {

struct ResolvedUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> supplementary_gids;  // Ascending; none when the group is given.
  std::string home = "/";
};

// `layers` are directories, lowest first (StoredImage::layers), or a single merged root. `user` is
// "", "name", "uid", "name:group", "uid:gid" or a mixture; "" is root.
Result<ResolvedUser> resolve_user(const std::vector<std::string>& layers, std::string_view user);

}  // namespace minato::image
