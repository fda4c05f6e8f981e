#include "apiserver/jwt.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "kube/base64.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

constexpr std::size_t kNumberBytes = 32;  // Of each of the signature's two numbers.
constexpr std::size_t kMaxTokenBytes = 16 << 10;
constexpr std::string_view kHeader = R"({"alg":"ES256","typ":"JWT"})";

template <auto kFree>
struct Free {
  void operator()(auto* thing) const { kFree(thing); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<&ECDSA_SIG_free>>;
using Memory = std::unique_ptr<BIO, Free<&BIO_free_all>>;

std::string url_encode(std::string_view bytes) {
  std::string out = kube::base64_encode(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(out.find_last_not_of('=') + 1);
  return out;
}

Result<std::string> url_decode(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != std::string::npos) return fail(Reason::kInvalid, "base64url");
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return kube::base64_decode(plain);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Error> refused() { return fail(Reason::kUnauthorized, "the token is not valid"); }

// Two numbers side by side, as tokens have them, from and to the form that OpenSSL has.
Result<std::string> to_plain(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) return fail(Reason::kInternalError, "a signature cannot be read");
  unsigned char out[2 * kNumberBytes];
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kNumberBytes) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kNumberBytes, kNumberBytes) < 0) {
    return fail(Reason::kInternalError, "a signature is too long");
  }
  return std::string(reinterpret_cast<const char*>(out), sizeof out);
}

Result<std::string> to_der(std::string_view plain) {
  if (plain.size() != 2 * kNumberBytes) return refused();
  const Signature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(plain), kNumberBytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(plain) + kNumberBytes, kNumberBytes, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return refused();
  }
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size < 0) return refused();
  std::string der(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

}  // namespace

struct SigningKey::Key {
  std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>> pkey;
};

SigningKey::SigningKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

Result<SigningKey> SigningKey::generate() {
  auto key = std::make_unique<Key>();
  key->pkey.reset(EVP_EC_gen("P-256"));
  if (!key->pkey) return fail(Reason::kInternalError, "no key can be made");
  return SigningKey(std::move(key));
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto key = std::make_unique<Key>();
  key->pkey.reset(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  char group[32] = "";
  if (!key->pkey ||
      EVP_PKEY_get_group_name(key->pkey.get(), group, sizeof group, nullptr) != 1 ||
      std::string_view(group) != "prime256v1") {
    return fail(Reason::kInvalid, "not a private P-256 key");
  }
  return SigningKey(std::move(key));
}

Result<std::string> SigningKey::to_pem() const {
  const Memory memory(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (PEM_write_bio_PrivateKey(memory.get(), key_->pkey.get(), nullptr, nullptr, 0, nullptr,
                               nullptr) != 1) {
    return fail(Reason::kInternalError, "a key cannot be written");
  }
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::string> SigningKey::sign(const json::object& claims) const {
  const std::string content = url_encode(kHeader) + "." + url_encode(json::serialize(claims));
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char der[128];
  std::size_t size = sizeof der;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), der, &size, bytes_of(content), content.size()) != 1) {
    return fail(Reason::kInternalError, "a token cannot be signed");
  }
  ASSIGN_OR_RETURN(const std::string plain, to_plain({reinterpret_cast<const char*>(der), size}));
  return content + "." + url_encode(plain);
}

Result<json::object> SigningKey::verify(std::string_view token) const {
  const std::size_t end = token.rfind('.');
  const std::size_t middle = token.find('.');
  if (token.size() > kMaxTokenBytes || end == std::string_view::npos || middle == end)
    return refused();
  const std::string_view content = token.substr(0, end);
  // Ours are all made with one header.
  if (content.substr(0, middle) != url_encode(kHeader)) return refused();
  const auto plain = url_decode(token.substr(end + 1));
  const auto claims = url_decode(content.substr(middle + 1));
  if (!plain || !claims) return refused();
  ASSIGN_OR_RETURN(const std::string der, to_der(*plain));
  const DigestContext context(EVP_MD_CTX_new());
  if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
      EVP_DigestVerify(context.get(), bytes_of(der), der.size(), bytes_of(content),
                       content.size()) != 1) {
    return refused();
  }
  boost::system::error_code error;
  const json::value value = json::parse(*claims, error);
  if (error || !value.is_object()) return refused();
  return value.get_object();
}

}  // namespace minato::apiserver
