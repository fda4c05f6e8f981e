// The API's way onto the network: HTTP/1.1 over TLS with keep-alive, streamed (chunked) answers and
// upgraded connections, as apiserver/http.h wants them.
//
// Everything is bounded: connections, headers, bodies, the time for a handshake, for a request to
// arrive and for a client to take what is sent. What streams have written and the client has not
// taken is the writer's to bound (Stream::pending_bytes).
//
// Bytes leave in a turn of their own, after `before_send`: the place to commit what they tell of.
// When that fails nothing of this turn is sent and its connections are closed, since a client must
// not be told what may not last. What many clients asked for meanwhile is committed together.
//
// TLS and taking requests apart happen on a few threads; the handler, the commits and everything
// that a caller gives or gets is on the loop thread.
//
// Ownership: the Loop outlives the server. Destroying the server closes every connection and calls
// what waits on their streams. Loop thread only.
// Rules: RFC 9110, RFC 9112.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "apiserver/http.h"
#include "base/result.h"
#include "host/files.h"
#include "host/loop.h"

namespace minato::net {

struct ServerLimits {
  std::size_t connections = 10'000;  // Further ones wait in the kernel's queue.
  std::uint32_t header_bytes = 64 << 10;
  std::uint64_t body_bytes = 3 << 20;  // kube-apiserver's.
  Duration handshake = 10s;
  Duration idle = 120s;    // Between requests, and for a request's head to arrive.
  Duration body = 60s;     // For the rest of it.
  Duration stalled = 30s;  // A client that takes nothing of what waits for it.
};

class HttpsServer {
 public:
  struct Options {
    ServerLimits limits;
    std::function<Status()> before_send;  // May be empty.
    // Called with each request on its connection's thread, before the handler; must be thread-safe.
    // May be empty.
    std::function<void(apiserver::HttpRequest&)> prepare;
    std::size_t threads = 2;
  };

  // Serves connections of `listening` until destroyed.
  HttpsServer(host::Loop& loop, host::Fd listening, std::shared_ptr<boost::asio::ssl::context> tls,
              apiserver::HttpHandler handler, Options options);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  // No new connections; those that wait for a request are closed, others after their answer.
  void drain();
  std::size_t connections() const { return connections_.size(); }

 private:
  class Connection;
  class ExchangeOnConnection;
  class StreamOnConnection;
  using ConnectionPtr = std::shared_ptr<Connection>;
  enum class Body { kWhole, kStreamed };
  // What a connection is to do on its thread.
  struct Delivery {
    ConnectionPtr connection;
    env::Task task;
  };
  // A thread with the connections on it, and what waits for the next commit.
  struct Lane {
    std::shared_ptr<class IoThread> thread;
    std::vector<Delivery> waiting;
  };

  void accept();
  bool take_in(boost::asio::ip::tcp::socket accepted);
  void accept_later();
  void closed(const ConnectionPtr& connection);
  // In the next turn, after the commit.
  void deliver(ConnectionPtr connection, env::Task task);
  void deliver_all();
  void sweep();

  host::Loop& loop_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  apiserver::HttpHandler handler_;
  Options options_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::set<ConnectionPtr, std::owner_less<>> connections_;  // Order does not matter.
  std::vector<Lane> lanes_;
  std::size_t next_lane_ = 0;
  bool is_delivering_soon_ = false;
  bool accepting_ = false;
  bool draining_ = false;
  env::TimerHandle sweep_timer_;
  env::TimerHandle accept_timer_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::net
