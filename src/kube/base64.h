// RFC 4648 base64 with padding, as Go's encoding/json writes []byte.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::kube {

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

}  // namespace minato::kube
