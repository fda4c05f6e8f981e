// One persistent connection to HAProxy's runtime socket. Commands are pipelined and answered in
// order; the connection is made again whenever it is lost.
//
// Owned by the process object it talks to; loop thread only. Callbacks run on the loop, never
// inside send(), and not after destruction. Errors: a command whose connection was lost, or that
// was not answered in time, fails with Unavailable; whether HAProxy ran it is then unknown.
// Protocol: HAProxy 2.6 management manual 9.3 ("prompt" mode: every answer ends with "\n> ").
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/loop.h"

namespace minato::haproxy {

class RuntimeClient {
 public:
  using Reply = std::function<void(Result<std::string>)>;

  // `on_connected` runs after every (re)connection.
  RuntimeClient(host::Loop& loop, std::string socket_path, std::function<void()> on_connected);
  ~RuntimeClient();
  RuntimeClient(const RuntimeClient&) = delete;
  RuntimeClient& operator=(const RuntimeClient&) = delete;

  bool connected() const;
  // One command, without its newline; a payload is part of it ("set ssl cert x <<\n…\n").
  void send(const std::string& command, Reply reply);

 private:
  class Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace minato::haproxy
