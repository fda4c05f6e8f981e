#include "linux_net/netlink_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace minato::linux_net {
namespace {

constexpr std::size_t kReceiveBufferBytes = 64 << 10;

// The kernel's sentence in an acknowledgement (NLM_F_ACK_TLVS), or "".
std::string explanation(const nlmsghdr& header, std::string_view payload) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  std::size_t skip = sizeof(nlmsgerr);
  // Unless capped, the acknowledgement repeats the request's payload first.
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0) {
    skip += read_value<nlmsgerr>(payload).msg.nlmsg_len - sizeof(nlmsghdr);
  }
  std::string text;
  if (skip >= payload.size()) return {};
  for_each_attribute(payload.substr(skip), [&](int type, std::string_view data) {
    if (type == NLMSGERR_ATTR_MSG) text = std::string(data.substr(0, data.find('\0')));
  });
  return text;
}

// "No such device" and "no such route or neighbour" have errno values of their own.
std::unexpected<Error> kernel_error(const std::string& what, int error_number) {
  auto failure = fail_errno(what, error_number);
  if (error_number != ENODEV && error_number != ESRCH) return failure;
  return fail(Reason::kNotFound, failure.error().message);
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  host::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return fail_errno("opening a netlink socket", errno);
  const int one = 1;
  // Best effort: explanations and short acknowledgements are a convenience.
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  return NetlinkSocket(std::move(fd));
}

Status NetlinkSocket::exchange(NetlinkRequest& request, const std::string& what,
                               std::vector<std::string>* answers) {
  const std::string_view message = request.finish(++sequence_);
  if (::send(socket_.get(), message.data(), message.size(), 0) < 0) return fail_errno(what, errno);
  std::string buffer(kReceiveBufferBytes, '\0');
  while (true) {
    const ssize_t received = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return fail_errno(what, errno);
    std::string_view rest(buffer.data(), static_cast<std::size_t>(received));
    while (rest.size() >= sizeof(nlmsghdr)) {
      const auto header = read_value<nlmsghdr>(rest);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) {
        return fail(Reason::kInternalError, what + ": malformed answer from the kernel");
      }
      const std::string_view payload = rest.substr(sizeof header, header.nlmsg_len - sizeof header);
      rest.remove_prefix(std::min(rest.size(), std::size_t{NLMSG_ALIGN(header.nlmsg_len)}));
      if (header.nlmsg_seq != sequence_) continue;  // Left over from a request that failed.
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type == NLMSG_ERROR) {
        const int error = -read_value<nlmsgerr>(payload).error;
        if (error == 0) return {};
        const std::string why = explanation(header, payload);
        return kernel_error(why.empty() ? what : fmt::format("{} ({})", what, why), error);
      }
      if (answers != nullptr) answers->emplace_back(payload);
    }
  }
}

}  // namespace minato::linux_net
