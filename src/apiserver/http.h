// HTTP as the API server sees it: requests that are complete, answers that are whole or streamed,
// and connections that become WebSockets. What carries them (sockets, TLS, limits, time) is behind
// these interfaces: net::HttpServer in the real world, a recorder in tests.
//
// Threading: loop thread only; nothing blocks. Ownership: an Exchange is answered exactly once and
// then dropped; a Stream or Duplex is shared with the connection and may outlive it, after which
// its calls do nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minato::apiserver {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The subject of a client certificate that the connection has verified; empty without one.
struct PeerCertificate {
  std::string common_name;
  std::vector<std::string> organizations;
};

struct Prepared;  // apiserver/prepared.h

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // As sent: path and query, escaped.
  Headers headers;
  std::string body;
  PeerCertificate peer;
  std::shared_ptr<Prepared> prepared;  // Null until prepare() has seen it.

  // The first header of this name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;
  std::string body;
};

// A body that is written as it comes about.
class Stream {
 public:
  virtual ~Stream() = default;
  // Never blocks and never refuses; whoever writes without end looks at pending_bytes().
  virtual void write(std::string_view bytes) = 0;
  virtual std::size_t pending_bytes() const = 0;  // Written here, not yet taken by the client.
  // Called, in a turn of its own, each time everything that was written has been taken.
  virtual void on_drained(std::function<void()> callback) = 0;
  // What is pending is still sent.
  virtual void end() = 0;
  // The connection is closed at once and what is pending is lost.
  virtual void abort() = 0;
  // Called once when the client goes away or the server ends; not after end() or abort().
  virtual void on_close(std::function<void()> callback) = 0;
};

// A connection taken over by another protocol: bytes both ways.
class Duplex : public Stream {
 public:
  virtual void on_data(std::function<void(std::string_view)> callback) = 0;
  // While paused the client's bytes stay with the client.
  enum class Reading { kGo, kPause };
  virtual void set_reading(Reading reading) = 0;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void answer(HttpAnswer answer) = 0;
  // `head` without its body, which follows in chunks.
  virtual std::shared_ptr<Stream> stream(HttpAnswer head) = 0;
  // 101 Switching Protocols with these headers.
  virtual std::shared_ptr<Duplex> upgrade(Headers headers) = 0;
};
using ExchangePtr = std::shared_ptr<Exchange>;
using HttpHandler = std::function<void(HttpRequest, ExchangePtr)>;

// A target, taken apart and unescaped. Parameters keep their order.
struct Url {
  std::string path;
  std::vector<std::string> segments;  // Of the path, unescaped one by one; no empty ones.
  std::vector<std::pair<std::string, std::string>> query;

  // The first of this name; "" when there is none.
  std::string_view parameter(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  // Every spelling of strconv.ParseBool that means yes; "" and nonsense mean no.
  bool flag(std::string_view name) const;
};
// False for escapes that are broken, control characters in the path, and "." or ".." as a segment.
bool parse_url(std::string_view target, Url& out);

}  // namespace minato::apiserver
