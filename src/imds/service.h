// The instance metadata service of one instance as a function from request to response: IMDSv2 with
// its tokens, and IMDSv1 where the instance allows it.
//
// Served over HTTP at 169.254.169.254 inside each local instance, and called directly in
// simulation. Data come from a source that is asked for every request, so they are always current.
// One per instance; owned by whoever serves it. Loop thread only. Requests are untrusted: what is
// too long or badly encoded is refused, and nothing outside of the documents can be named.
//
// Rules: Amazon EC2 User Guide, "Use the Instance Metadata Service": a token lives 1 to 21600 s,
// only a PUT without X-Forwarded-For gets one (403), a missing or bad TTL is 400; a GET whose token
// is missing (where required), unknown or expired is 401. Directories list their children, one a
// line, "/" after directories; a trailing slash changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/env.h"
#include "imds/instance_view.h"

namespace minato::imds {

inline constexpr std::size_t kMaxPathBytes = 1024;
inline constexpr std::size_t kMaxHeaders = 64;
inline constexpr std::size_t kMaxTokens = 1024;  // Then the one that ends first makes room.
inline constexpr Duration kMaxTokenTtl = 21600s;

inline constexpr std::string_view kTokenPath = "/latest/api/token";
inline constexpr std::string_view kTokenHeader = "X-aws-ec2-metadata-token";
inline constexpr std::string_view kTokenTtlHeader = "X-aws-ec2-metadata-token-ttl-seconds";

struct Request {
  std::string method;
  std::string path;  // As on the request line.
  std::vector<std::pair<std::string, std::string>> headers;  // Names in any case.
};

struct Response {
  int status = 200;
  std::map<std::string, std::string> headers;
  std::string body;
};

class Service {
 public:
  using Source = std::function<InstanceView()>;
  Service(env::Env env, Source source);

  Response handle(const Request& request);
  std::size_t tokens() const { return tokens_.size(); }

 private:
  Response issue_token(const Request& request);
  Response read(const Request& request, const InstanceView& view);
  bool may_read(const Request& request, const InstanceView& view) const;
  void make_room();
  std::string new_token();

  env::Env env_;
  Source source_;
  std::map<std::string, MonoTime> tokens_;  // With the end of each.
};

}  // namespace minato::imds
