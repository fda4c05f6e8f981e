// One of the threads that a server's connections live on: TLS, and taking requests apart. A
// connection belongs to one of them for good. Private to net.
//
// Ownership: connections share it, since their sockets refer to it. stop() ends the thread, once,
// and afterwards runs what it had left; called by the server on the loop thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <thread>

#include "env/env.h"

namespace minato::net {

class IoThread {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                  boost::asio::io_context::executor_type>;
  IoThread();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // From any thread.
  void post(env::Task task);
  void stop();
  boost::asio::io_context& io() { return io_; }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};
using IoThreadPtr = std::shared_ptr<IoThread>;

}  // namespace minato::net
