// Small HTTP/1.1 over plain TCP, for the platform's own services (instance metadata, health of the
// roles): a server with a synchronous handler, and a client for one request at a time.
//
// Threading: everything on the loop; nothing blocks. Bounded: headers, bodies, connections and
// time. TLS and streaming are not here.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "host/files.h"
#include "host/loop.h"

namespace minato::host {

struct HttpRequest {
  std::string method;  // As sent.
  std::string target;  // Path and query, as sent.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// A listening socket on an IPv4 address. Errors: Unavailable (taken), Forbidden.
Result<Fd> listen_tcp(const std::string& address, std::uint16_t port);

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  struct Options {
    std::size_t connections = 64;  // Further ones wait in the kernel's queue.
    std::size_t header_bytes = 16 << 10;
    std::size_t body_bytes = 64 << 10;
    Duration idle = 10s;  // For one request to arrive, and between requests.
    // Whom to answer, by address; others are cut off unanswered. Unset: everybody.
    std::function<bool(const std::string& peer)> admits;
  };

  // Serves connections of `listening` until destroyed. The handler runs on the loop.
  HttpServer(Loop& loop, Fd listening, Handler handler);
  HttpServer(Loop& loop, Fd listening, Handler handler, Options options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  class Connection;
  void accept();
  bool is_admitted(const boost::asio::ip::tcp::socket& socket) const;
  void closed(const std::shared_ptr<Connection>& connection);

  Loop& loop_;
  Handler handler_;
  Options options_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::set<std::shared_ptr<Connection>, std::owner_less<>> connections_;  // Order does not matter.
  bool accepting_ = false;
  std::shared_ptr<bool> alive_;
};

// Sends one request to an IPv4 address. `done` comes in a later turn, once. Errors: Timeout,
// Unavailable (refused, broken off, malformed).
void http_fetch(Loop& loop, const std::string& address, std::uint16_t port, HttpRequest request,
                Duration timeout, std::move_only_function<void(Result<HttpResponse>)> done);

}  // namespace minato::host
