// HTTPS to one API server by libcurl: requests one after the other on a connection that is kept, and
// bodies handed on as they come.
//
// A Transport belongs to one thread at a time and blocks it; send() is bounded by Call::timeout, and
// run on the loop thread by HttpClient on purpose (see client.h). Redirects are not followed.
// Private to kube_http. Errors: Unavailable (refused, broken off, a certificate that is not to be
// believed: the message says which), Timeout, Aborted (stopped), Unauthorized (no token to be had).
// Answers with a status of 4xx and 5xx are answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "env/env.h"
#include "kube_http/endpoint.h"

namespace minato::kube_http {

struct Call {
  std::string method = "GET";
  std::string target;  // Path and query, escaped.
  std::string body;
  std::string content_type = "application/json";
  Duration timeout{};  // Of all of it; zero: as long as bytes come, see kQuiet.
};

struct Answer {
  int status = 0;
  std::string body;  // Of a streamed answer: "" unless its status tells of a failure.
  std::optional<Duration> retry_after;
};

// A watch sends a bookmark each minute; a server that sends nothing for so long is given up.
inline constexpr Duration kQuiet = 150s;
inline constexpr Duration kConnectTimeout = 3s;
inline constexpr std::size_t kMaxAnswerBytes = 8 << 20;  // As kube::parse_json.

// Called with pieces of a body of status 2xx. An error ends the call with it.
using Sink = std::function<Status(std::string_view)>;

class Transport {
 public:
  Transport(const env::Clock& clock, std::shared_ptr<Credentials> credentials);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // A token that the server refuses is replaced once.
  Result<Answer> send(const Call& call, const Sink& sink = {}, std::stop_token stop = {});

 private:
  struct Handles;
  struct Transfer;
  Result<Answer> perform(const Call& call, const std::string& token, const Sink& sink, std::stop_token stop);
  void prepare(const Call& call, Transfer& transfer);
  Status run(Transfer& transfer, std::stop_token stop);

  const env::Clock& clock_;
  std::shared_ptr<Credentials> credentials_;
  std::unique_ptr<Handles> handles_;
};

}  // namespace minato::kube_http
