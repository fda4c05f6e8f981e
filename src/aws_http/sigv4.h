// AWS Signature Version 4 of a request whose path is sent as it is and which has no query: what the
// query protocol needs.
//
// Pure. Every header of the request is signed, with Host and X-Amz-Date.
// Rule: AWS General Reference, "Create a signed AWS API request".
#pragma once

#include <string>

#include "aws_http/http.h"

namespace minato::aws_http {

// Secret: goes into no log and no message.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // "": long-lived keys.
  WallTime expires{};         // Zero: they do not.
};

struct SigningScope {
  std::string region;
  std::string service;  // The signing name, e.g. "elasticloadbalancing".
};

// Adds X-Amz-Date, X-Amz-Security-Token and Authorization.
void sign(HttpRequest& request, const Credentials& credentials, const SigningScope& scope,
          WallTime now);

}  // namespace minato::aws_http
