// HTTP requests to registries: the one place where libcurl is called.
//
// One HttpClient keeps its connections for the requests of one pull. Blocking; one thread at a
// time. Redirects are followed here, with credentials going to the first origin only. Secrets
// appear in no error. Errors: Unavailable (network, TLS), Aborted, and what the sink says; a
// response with a bad status is a response.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace minato::image {

struct HttpOptions {
  std::string ca_file;  // "": the system's.
  Duration connect_timeout = 10s;
  Duration stall_timeout = 30s;
  std::stop_token stop;
};

// Plain HTTP is for loopback hosts; whoever asks for it with another host is refused.
enum class Transport { kHttps, kHttpsOrLoopbackHttp };

struct HttpRequest {
  std::string url;
  Transport transport = Transport::kHttps;
  std::vector<std::string> headers;  // "Accept: …"
  std::string authorization;         // "Basic …", "Bearer …"; not sent to other origins.
  std::string form;                  // Not empty: a POST of this form.
  std::int64_t body_limit_bytes = 0;  // Of what is kept in HttpResponse::body.
};

struct HttpResponse {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  std::string header(const std::string& name) const;  // The first, or "".
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // With a sink, the body of a 2xx response goes there and not into the response.
  using Sink = std::function<Status(std::string_view)>;
  Result<HttpResponse> send(const HttpRequest& request, const Sink& sink = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

// "https://host:5000" of any URL: what credentials belong to.
std::string origin_of(std::string_view url);
// The host and port of a URL.
std::string authority_of(std::string_view url);

}  // namespace minato::image
