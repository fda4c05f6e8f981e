// JSON Web Tokens signed with ECDSA P-256 (ES256). Nothing else is accepted: what a token says of
// its own algorithm never decides how it is checked. Pure but for the key's own randomness.
// Rules: RFC 7515, RFC 7518 section 3.4, RFC 7519.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::apiserver {

class SigningKey {
 public:
  // A new one, for to_pem() to keep. Errors: those of OpenSSL.
  static Result<SigningKey> generate();
  // Errors: Invalid (no private P-256 key in it).
  static Result<SigningKey> from_pem(std::string_view pem);
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  Result<std::string> to_pem() const;
  Result<std::string> sign(const boost::json::object& claims) const;
  // The claims of a token that this key has signed; times are the caller's to look at.
  // Errors: Unauthorized.
  Result<boost::json::object> verify(std::string_view token) const;

 private:
  struct Key;
  explicit SigningKey(std::unique_ptr<Key> key);
  std::unique_ptr<Key> key_;
};

}  // namespace minato::apiserver
