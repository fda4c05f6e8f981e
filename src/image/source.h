// Where images come from: a layout directory, a docker-archive, or a registry.
//
// A Source stands for one reference. Blocking; one thread at a time; owned by the pull that made
// it. Everything it gives as a Manifest is verified; blobs are verified by the BlobWriter.
// Errors: NotFound (no such image or tag; other platform), Unauthorized, Invalid (digest, size,
// form), Unavailable (network, registry), Aborted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "host/files.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/options.h"
#include "image/reference.h"

namespace minato::image {

inline constexpr int kIndexDepth = 4;  // Indexes that name indexes.

// Receives one blob into a file and says at the end whether it is what was promised.
class BlobWriter {
 public:
  // `file` is empty and open for reading and writing. Nothing beyond the promised size, or beyond
  // the limit when none was promised, is written.
  BlobWriter(host::Fd file, const Descriptor& expected, std::int64_t limit_bytes);

  Status append(std::string_view bytes);
  Status restart();  // Forgets everything so far, for another try.
  Status finish();   // Invalid when digest or size are not as promised.
  std::int64_t size() const { return size_; }
  bool failed() const { return failed_; }  // Once append() has; another try would be no better.
  // Open, to be read from its start.
  int file() const { return file_.get(); }

 private:
  Status write(std::string_view bytes);

  host::Fd file_;
  std::optional<Digest> digest_;
  std::int64_t promised_size_;
  std::int64_t limit_bytes_;
  std::int64_t size_ = 0;
  bool failed_ = false;
  Hasher hasher_;
};

class Source {
 public:
  virtual ~Source() = default;
  // For this machine's platform.
  virtual Result<Manifest> manifest() = 0;
  // Brings the blob of a descriptor from manifest() into the writer and finishes it.
  virtual Status fetch(const Descriptor& blob, BlobWriter& out) = 0;
};

// The source that a reference names. `options` must outlive it.
std::unique_ptr<Source> make_source(const Reference& reference, const Options& options,
                                    std::stop_token stop);

std::unique_ptr<Source> make_layout_source(const Reference& reference, const Options& options,
                                           std::stop_token stop);
std::unique_ptr<Source> make_archive_source(const Reference& reference, const Options& options,
                                            std::stop_token stop);
std::unique_ptr<Source> make_registry_source(const Reference& reference, const Options& options,
                                             std::stop_token stop);

}  // namespace minato::image
