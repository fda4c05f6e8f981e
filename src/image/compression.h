// Byte streams of layers: decompression by the stream's own magic number, and compression.
//
// The one place where libarchive's filters are called. Constant memory; blocking; an object
// belongs to one thread at a time. Errors: Invalid for damaged or unknown streams, those of
// reading and writing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace minato::image {

enum class Compression { kNone, kGzip, kZstd };

class Decompressor {
 public:
  // Reads `fd` from its present offset; the descriptor stays the caller's and must outlive this.
  // A stream that is neither gzip nor zstd is passed through.
  static Result<Decompressor> open(int fd);
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;
  ~Decompressor();

  // The next bytes, valid until the next call; empty at the end.
  Result<std::string_view> next();
  std::int64_t compressed_bytes() const;  // Consumed so far.

 private:
  struct State;
  explicit Decompressor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Compressor {
 public:
  using Sink = std::function<Status(std::string_view)>;
  // The same input gives the same output: no time stamps or names. `sink` is called from within
  // append() and finish().
  static Result<Compressor> open(Compression compression, Sink sink);
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  ~Compressor();

  Status append(std::string_view bytes);
  Status finish();

 private:
  struct State;
  explicit Compressor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace minato::image
