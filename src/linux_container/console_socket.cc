#include "linux_container/console_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace minato::linux_container {

Result<ConsoleSocket> ConsoleSocket::listen(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) {
    return fail(Reason::kInvalid, fmt::format("{}: a socket's name is too long", name));
  }
  std::memcpy(address.sun_path, name.c_str(), name.size());
  ::unlink(name.c_str());  // Of an attempt that was cut short.
  host::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 1) != 0) {
    return fail_errno("listening on " + name, errno);
  }
  return ConsoleSocket(name, std::move(fd));
}

ConsoleSocket::~ConsoleSocket() {
  if (listening_) ::unlink(name_.c_str());
}

Result<host::Fd> ConsoleSocket::take() {
  const host::Fd connection(
      ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  char bytes[256];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec content{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (!connection || ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC) < 0) {
    return fail_errno("receiving a container's terminal", errno);
  }
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS) {
    return fail(Reason::kUnavailable, "the container runtime sent no terminal");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  host::Fd terminal(fd);
  if (::fcntl(terminal.get(), F_SETFL, O_NONBLOCK) != 0) {
    return fail_errno("a container's terminal", errno);
  }
  return terminal;
}

}  // namespace minato::linux_container
