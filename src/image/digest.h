// Content digests as OCI writes them, "sha256:<hex>", and the hash that makes them.
//
// Values, thread-compatible. Only registered algorithms with lower-case hexadecimal of the right
// length are digests; because of that a digest may be used as a file name.
// Rule: github.com/opencontainers/image-spec descriptor.md, "Digests".
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::image {

enum class DigestAlgorithm { kSha256, kSha512 };

class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  // Of bytes in memory, sha256.
  static Digest of(std::string_view bytes);

  DigestAlgorithm algorithm() const { return algorithm_; }
  const std::string& hex() const { return hex_; }
  std::string text() const;  // "sha256:0123…"
  std::string path() const;  // "sha256/0123…", as below an OCI layout's blobs/.

  auto operator<=>(const Digest&) const = default;

 private:
  friend class Hasher;
  Digest(DigestAlgorithm algorithm, std::string hex)
      : algorithm_(algorithm), hex_(std::move(hex)) {}

  DigestAlgorithm algorithm_;
  std::string hex_;
};

class Hasher {
 public:
  explicit Hasher(DigestAlgorithm algorithm = DigestAlgorithm::kSha256);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::string_view bytes);
  // Of everything so far; once only.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  DigestAlgorithm algorithm_;
};

}  // namespace minato::image
