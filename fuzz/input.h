// What libFuzzer hands a target, taken apart. A target is one file with fuzz_one(); FUZZ_TARGET makes
// it libFuzzer's.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/check.h"

namespace minato::fuzz {

// The parts of an input that has several, each up to a byte 0xFF, which is in no text.
class Parts {
 public:
  explicit Parts(std::string_view input) : rest_(input) {}
  std::string_view next() {
    const std::size_t end = rest_.find('\xff');
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return out;
  }

 private:
  std::string_view rest_;
};

}  // namespace minato::fuzz

#define FUZZ_TARGET(function)                                                          \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  \
    function(std::string_view(reinterpret_cast<const char*>(data), size));             \
    return 0;                                                                          \
  }
