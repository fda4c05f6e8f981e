#include "linux_container/supervisor_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/strings.h"

namespace minato::linux_container {

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  Pipe pipe{host::Fd(ends[0]), host::Fd(ends[1])};
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("pipe", errno);
  return pipe;
}

Result<Pipe> make_input_pipe() {
  ASSIGN_OR_RETURN(Pipe pipe, make_pipe());
  if (::fcntl(pipe.reader.get(), F_SETFL, 0) != 0) return fail_errno("pipe", errno);
  return pipe;
}

Status send_descriptors(const std::string& socket, const std::vector<int>& descriptors) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return fail(Reason::kInvalid, "socket name");
  std::memcpy(address.sun_path, socket.c_str(), socket.size());
  const host::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("connecting to " + socket, errno);
  const std::size_t size = descriptors.size() * sizeof(int);
  alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
  char byte = 0;
  iovec content{&byte, 1};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(size);
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(head), descriptors.data(), size);
  if (::sendmsg(fd.get(), &message, MSG_NOSIGNAL) != 1)
    return fail_errno("sending a command's streams", errno);
  return {};
}

std::string read_available(int fd, std::size_t limit_bytes) {
  std::string text;
  char buffer[4096];
  while (text.size() < limit_bytes) {
    const std::size_t room = std::min(sizeof buffer, limit_bytes - text.size());
    const ssize_t n = ::read(fd, buffer, room);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

Result<pid_t> read_pid(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path, 64));
  ASSIGN_OR_RETURN(const std::int64_t pid, parse_int(trim(text)));
  return static_cast<pid_t>(pid);
}

Result<container::Container> read_status(const std::string& container_dir) {
  ASSIGN_OR_RETURN(const std::string text,
                   host::read_file(status_file(container_dir), kMaxFrameBytes));
  ASSIGN_OR_RETURN(const boost::json::object json, parse_object(text));
  return container_from_json(json);
}

void write_status(const std::string& container_dir, const container::Container& container) {
  const Status written = host::write_file_atomic(status_file(container_dir),
                                                 boost::json::serialize(to_json(container)), 0600);
  if (!written) fmt::print(stderr, "shim: {}\n", written.error().message);
}

ExitCode exit_code(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {128 + WTERMSIG(wait_status), WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

WallTime wall_now() { return WallTime{std::chrono::system_clock::now().time_since_epoch()}; }

}  // namespace minato::linux_container
