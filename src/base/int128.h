// 128-bit integers for exact intermediate results; GCC and clang both have them as an extension.
#pragma once

namespace minato {

__extension__ using Int128 = __int128;

}  // namespace minato
