// Credentials of registries: where they are kept and what a registry's challenge asks for.
//
// Values and functions without state; blocking (files, helper programs). Secrets go into no error
// and no argv. Rules: containers-auth.json(5); github.com/docker/docker-credential-helpers;
// distribution "Token Authentication Specification"; RFC 9110 11.6.1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::image {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // An OAuth2 refresh token in place of the password.
  bool empty() const { return user.empty() && identity_token.empty(); }
};

// For "registry/name": from the first file that knows it, by its longest entry ("registry/team"
// before "registry"), else by credHelpers and credsStore. Nothing known gives empty credentials;
// a file that is there and damaged is an error.
Result<Credentials> find_credentials(const std::vector<std::string>& files,
                                     const std::string& registry, const std::string& name);

// A WWW-Authenticate header.
struct Challenge {
  std::string scheme;                             // Lower case: "bearer", "basic".
  std::map<std::string, std::string> parameters;  // realm, service, scope.
};
Result<Challenge> parse_challenge(std::string_view header);

}  // namespace minato::image
