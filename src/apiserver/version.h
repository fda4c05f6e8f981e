// The Kubernetes version whose behaviour the server follows, as clients read it at /version.
#pragma once

#include <string_view>

namespace minato::apiserver {

inline constexpr std::string_view kMajor = "1";
inline constexpr std::string_view kMinor = "32";
inline constexpr std::string_view kGitVersion = "v1.32.0+minato";

}  // namespace minato::apiserver
