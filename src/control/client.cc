#include "control/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/files.h"

namespace minato::control {
namespace {

Result<host::Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Reason::kInvalid, fmt::format("socket path {} is too long", path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  host::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Reason::kUnavailable,
                fmt::format("no minato answers on {}: {}", path, std::strerror(errno)));
  }
  return fd;
}

}  // namespace

bool Client::is_answering(const std::string& path) { return connect_to(path).has_value(); }

Status Client::call(const Request& request,
                    const std::function<bool(const boost::json::value&)>& data) const {
  ASSIGN_OR_RETURN(const host::Fd fd, connect_to(path_));
  const std::string text = encode(request);
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("asking minato", errno);
    sent += static_cast<std::size_t>(n);
  }
  std::string buffer;
  char chunk[65536];
  while (true) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    // Whoever catches signals wants to be told: the next line may be hours away.
    if (n < 0 && errno == EINTR) return fail(Reason::kAborted, "interrupted");
    if (n <= 0) return fail(Reason::kAborted, "minato went away in the middle of its answer");
    buffer.append(chunk, static_cast<std::size_t>(n));
    std::size_t start = 0;
    for (std::size_t end; (end = buffer.find('\n', start)) != std::string::npos; start = end + 1) {
      ASSIGN_OR_RETURN(Line line, decode_line(std::string_view(buffer).substr(start, end - start)));
      if (line.last) return line.status;
      if (!data(line.data)) return {};
    }
    buffer.erase(0, start);
    if (buffer.size() > kMaxLineBytes) return fail(Reason::kInternalError, "answer too large");
  }
}

Result<boost::json::value> Client::ask(const Request& request) const {
  boost::json::value out;
  RETURN_IF_ERROR(call(request, [&](const boost::json::value& data) {
    out = data;
    return true;
  }));
  return out;
}

}  // namespace minato::control
