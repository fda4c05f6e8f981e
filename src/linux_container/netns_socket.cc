#include "linux_container/netns_socket.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "host/files.h"

namespace minato::linux_container {
namespace asio = boost::asio;
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

}  // namespace

Status open_socket(asio::ip::tcp::socket& socket, const asio::ip::tcp& protocol, const std::string& netns_path) {
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

}  // namespace minato::linux_container
