// The socket side of a shim: requests in, answers and events out, for a few clients at a time.
//
// A client that is slow or gone costs nothing: what waits for it is bounded (kMaxBacklogBytes),
// then it is dropped; it comes back and asks for the state. Only the shim's owner may connect (the
// directory is 0700, the socket 0600, and the peer's uid is checked).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <memory>

#include "linux_container/supervisor.h"

namespace minato::linux_container {

class ShimServer {
 public:
  static constexpr std::size_t kMaxClients = 8;
  static constexpr std::size_t kMaxBacklogBytes = 8 << 20;

  // `listener` is a bound, listening, non-blocking socket.
  ShimServer(PollLoop& loop, const ShimConfig& config, host::Fd listener);

 private:
  struct Client {
    host::Fd fd;
    FrameReader reader;
    std::string backlog;
  };

  void accept_client();
  void serve(std::uint64_t client, short revents);
  void read_requests(std::uint64_t client);
  void handle(std::uint64_t client, const boost::json::object& request);
  void start(std::uint64_t client, const boost::json::object& request);
  void exec(std::uint64_t client, const boost::json::object& request);
  void session(std::uint64_t client, const boost::json::object& request);
  void attach(std::uint64_t client, const boost::json::object& request);
  void answer(std::uint64_t client, const boost::json::value& id, boost::json::object body);
  void answer(std::uint64_t client, const boost::json::value& id, const Status& status);
  void send(std::uint64_t client, const std::string& frame);
  void flush(std::uint64_t client);
  void drop(std::uint64_t client);

  PollLoop& loop_;
  host::Fd listener_;
  Supervisor supervisor_;
  std::map<std::uint64_t, Client> clients_;
  std::uint64_t next_client_ = 1;
};

}  // namespace minato::linux_container
