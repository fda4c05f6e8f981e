#include "linux_container/netns_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/check.h"
#include "host/files.h"

namespace minato::linux_container {
namespace asio = boost::asio;
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

}  // namespace

Status open_socket(asio::ip::tcp::socket& socket, const asio::ip::tcp& protocol,
                   const std::string& netns_path) {
  boost::system::error_code error;
  if (netns_path.empty()) {
    socket.open(protocol, error);
  } else {
    const host::Fd home(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
    const host::Fd target(::open(netns_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!home || !target || ::setns(target.get(), CLONE_NEWNET) != 0) {
      return fail_errno("entering the network namespace " + netns_path, errno);
    }
    socket.open(protocol, error);
    // Elsewhere this thread would go on in a wrong network: no way to continue.
    CHECK(::setns(home.get(), CLONE_NEWNET) == 0, "returning from {}: {}", netns_path, errno);
  }
  if (error) return fail(Reason::kUnavailable, "socket: " + error.message());
  return {};
}

void connect_socket(asio::ip::tcp::socket& socket, const std::string& host, std::uint16_t port,
                    const std::string& netns_path, std::move_only_function<void(Status)> done) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  const asio::ip::tcp::endpoint endpoint(address, port);
  Status opened = error ? fail(Reason::kInvalid, fmt::format("\"{}\" is not an IP address", host))
                        : open_socket(socket, endpoint.protocol(), netns_path);
  if (!opened) {
    asio::post(socket.get_executor(),
               [opened = std::move(opened), done = std::move(done)]() mutable {
                 done(std::move(opened));
               });
    return;
  }
  socket.async_connect(endpoint, [target = host_and_port(host, port), done = std::move(done)](
                                     const boost::system::error_code& failure) mutable {
    if (!failure) return done({});
    done(fail(Reason::kUnavailable, fmt::format("{}: {}", target, failure.message())));
  });
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool version_six = host.find(':') != std::string::npos;
  return version_six ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace minato::linux_container
