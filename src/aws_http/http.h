// HTTP as the AWS adapter needs it: whole requests and answers of a few kilobytes, and the seam over
// which they go, so that everything above it is tested without a network.
//
// Implementations of HttpTransport: CurlTransport (curl_transport.h), fakes in tests. Owned by the
// composition, outlives its users. Loop thread only. Errors: Unavailable (no connection, TLS, broken
// off), Timeout, Invalid (answer too large); an answer with a bad status is an answer.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::aws_http {

struct HttpRequest {
  std::string method = "GET";
  std::string origin;        // "https://host" or "http://host:port".
  std::string target = "/";  // Path and query, encoded.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // Names in lower case; of repeated ones the last.
  std::string body;
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  using Callback = std::move_only_function<void(Result<HttpResponse>)>;

  // `done` comes in a later turn, exactly once, or never when the transport is gone.
  virtual void send(HttpRequest request, Duration timeout, Callback done) = 0;
};

// The host, and the port where one is given.
inline std::string host_of(const std::string& origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string::npos ? origin : origin.substr(scheme + 3);
}

}  // namespace minato::aws_http
