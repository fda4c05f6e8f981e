// One call of grpc.health.v1.Health/Check over one HTTP/2 connection, without the socket: bytes go
// in, bytes come out, at the end there is an answer.
//
// Owned by its probe; one thread. The peer is a container, which may send anything: sizes are
// limited here, time by whoever owns this.
// Rules: github.com/grpc/grpc doc/PROTOCOL-HTTP2.md, doc/http-grpc-status-mapping.md. The
// connection counts as made when the server's SETTINGS are there, as in grpc-go, whose blocking
// dial upstream's prober uses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "container/runtime.h"

namespace minato::linux_container {

class HealthCall {
 public:
  // `authority` is "address:port". The request, with what the connection begins with, is the first
  // output.
  HealthCall(const std::string& authority, std::string_view service, Duration timeout);
  ~HealthCall();
  HealthCall(const HealthCall&) = delete;
  HealthCall& operator=(const HealthCall&) = delete;

  // What is to be sent by now; "" for nothing.
  std::string output();
  void receive(std::string_view bytes);
  // No more bytes will come.
  void lost(const std::string& why);
  void time_is_up();

  // Errors as container::Runtime::check_health says. Stays as it is once it is there.
  using Answer = Result<container::HealthAnswer>;
  const std::optional<Answer>& answer() const;

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace minato::linux_container
