// A tar stream, entry by entry: ustar, pax and GNU, sparse files included.
//
// The one place where libarchive's tar reader is called. Counts, hashes and bounds what passes;
// names come out as bytes, whatever the locale. Constant memory but for one entry's metadata;
// blocking; one thread at a time. Errors: Invalid for damaged archives and exceeded limits,
// Aborted when asked to stop, those of reading else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "image/digest.h"
#include "image/options.h"

namespace minato::image {

struct TarEntry {
  enum class Type { kFile, kHardLink, kSymlink, kDirectory, kFifo, kDevice, kOther };
  Type type = Type::kOther;
  std::string name;
  std::string link;  // Target of kHardLink and kSymlink.
  std::uint32_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t size = 0;
  std::int64_t mtime_seconds = 0;
  long mtime_nanoseconds = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

class TarReader {
 public:
  // Reads the descriptor from its present offset; it stays the caller's and must outlive this.
  // Compression is recognised (compression.h).
  static Result<TarReader> open(int fd, const Limits& limits, std::stop_token stop = {});
  TarReader(TarReader&&) noexcept;
  TarReader& operator=(TarReader&&) noexcept;
  ~TarReader();

  // The next entry, or nothing at the end of the archive.
  Result<std::optional<TarEntry>> next();
  // Content of the entry that next() gave, in ascending offsets; gaps between are holes.
  Status read_data(const std::function<Status(std::int64_t offset, std::string_view)>& block);
  // Reads on to the end of the stream and gives the digest of all of it, uncompressed: an OCI
  // diff_id. After that the reader is done.
  Result<Digest> finish();
  std::int64_t uncompressed_bytes() const;

 private:
  struct State;
  explicit TarReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace minato::image
