// A target for tests: a small HTTP/1.1 server on 127.0.0.x and a port of its own, with one thread.
// Answers with its name and the request's headers. Paths: /healthz gives the health status; /slow
// waits; /close closes without an answer; /503 answers so. Setters may be called from any thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <thread>

#include "base/time.h"

namespace minato::haproxy {

class TestingBackend {
 public:
  // Port 0: any.
  TestingBackend(std::string name, const std::string& ip, std::uint16_t port = 0);
  ~TestingBackend();

  std::uint16_t port() const { return port_; }
  void set_health(int status) { health_ = status; }
  int requests() const { return requests_; }          // Without health checks.
  int health_checks() const { return health_checks_; }
  std::string check_host() const;                     // Host header of the last check.

 private:
  class Session;
  void accept();

  std::string name_;
  std::uint16_t port_ = 0;
  std::atomic<int> health_ = 200;
  std::atomic<int> requests_ = 0;
  std::atomic<int> health_checks_ = 0;
  std::atomic<std::shared_ptr<std::string>> check_host_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  std::jthread thread_;
};

}  // namespace minato::haproxy
