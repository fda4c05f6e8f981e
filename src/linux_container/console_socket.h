// Where an OCI runtime sends the terminal that it has made for a container: a listening socket in
// the working directory, used once. The shim's thread only. Errors: those of sockets; Unavailable
// when nothing was sent.
#pragma once

#include <string>

#include "base/result.h"
#include "host/files.h"

namespace minato::linux_container {

class ConsoleSocket {
 public:
  static Result<ConsoleSocket> listen(const std::string& name);
  ConsoleSocket(ConsoleSocket&&) = default;
  ConsoleSocket& operator=(ConsoleSocket&&) = delete;
  ~ConsoleSocket();

  // Our side of the terminal, non-blocking. What has been sent waits in the socket: call it when
  // the runtime has ended.
  Result<host::Fd> take();

 private:
  ConsoleSocket(std::string name, host::Fd listening)
      : name_(std::move(name)), listening_(std::move(listening)) {}

  std::string name_;
  host::Fd listening_;
};

}  // namespace minato::linux_container
