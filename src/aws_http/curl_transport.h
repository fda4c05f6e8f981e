// HttpTransport over libcurl: the loop waits for its sockets, so no thread is blocked and connections
// are kept between requests. HTTPS is verified against the system's authorities, or `ca_file`.
//
// One per process is enough. Redirects are not followed: AWS's APIs send none. Proxies as the
// environment says (HTTPS_PROXY, NO_PROXY).
#pragma once

#include <memory>
#include <string>

#include "aws_http/http.h"
#include "host/loop.h"

namespace minato::aws_http {

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(host::Loop& loop, std::string ca_file = "");
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  void send(HttpRequest request, Duration timeout, Callback done) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace minato::aws_http
