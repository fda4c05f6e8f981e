#include "image/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace minato::image {
namespace {

std::string_view name_of(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::kSha256 ? "sha256" : "sha512";
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  for (const DigestAlgorithm algorithm : {DigestAlgorithm::kSha256, DigestAlgorithm::kSha512}) {
    const std::string prefix = fmt::format("{}:", name_of(algorithm));
    if (!text.starts_with(prefix)) continue;
    const std::string_view hex = text.substr(prefix.size());
    const std::size_t length = algorithm == DigestAlgorithm::kSha256 ? 64 : 128;
    const bool lower_hex = std::ranges::all_of(
        hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (hex.size() != length || !lower_hex) break;
    return Digest(algorithm, std::string(hex));
  }
  return fail(Reason::kInvalid,
              fmt::format("\"{}\" is not a digest; expected \"sha256:\" and 64 lower-case "
                          "hexadecimal digits",
                          text.substr(0, 160)));
}

Digest Digest::of(std::string_view bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

std::string Digest::text() const { return fmt::format("{}:{}", name_of(algorithm_), hex_); }
std::string Digest::path() const { return fmt::format("{}/{}", name_of(algorithm_), hex_); }

struct Hasher::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(evp); }
};

Hasher::Hasher(DigestAlgorithm algorithm)
    : context_(std::make_unique<Context>()), algorithm_(algorithm) {
  const EVP_MD* kind = algorithm == DigestAlgorithm::kSha256 ? EVP_sha256() : EVP_sha512();
  CHECK(context_->evp != nullptr && EVP_DigestInit_ex(context_->evp, kind, nullptr) == 1);
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_->evp, raw, &size) == 1);
  std::string bytes(size, '\0');
  std::copy_n(raw, size, bytes.begin());
  return Digest(algorithm_, to_hex(bytes));
}

}  // namespace minato::image
