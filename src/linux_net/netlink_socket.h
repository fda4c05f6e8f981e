// Netlink's messages and sockets, as far as rtnetlink and ctnetlink share them (man 7 netlink).
//
// A socket belongs to the network namespace in which it was opened. Blocking; one thread at a time.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/files.h"

namespace minato::linux_net {

// Iterates the attributes of a message: calls visit(type, payload).
template <class Visit>
void for_each_attribute(std::string_view data, Visit visit) {
  while (data.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, data.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > data.size()) return;
    visit(attribute.rta_type, data.substr(sizeof attribute, attribute.rta_len - sizeof attribute));
    data.remove_prefix(std::min(data.size(), std::size_t{RTA_ALIGN(attribute.rta_len)}));
  }
}

// The front of a payload as a plain structure; what is missing is zero.
template <class T>
T read_value(std::string_view payload) {
  T value{};
  std::memcpy(&value, payload.data(), std::min(payload.size(), sizeof value));
  return value;
}

// One message under construction: header, fixed part, attributes, nested attributes.
class NetlinkRequest {
 public:
  template <class Fixed>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Fixed& fixed) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&fixed, sizeof fixed);
  }
  void add(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr attribute{static_cast<unsigned short>(sizeof(rtattr) + size), type};
    append(&attribute, sizeof attribute);
    append(data, size);
  }
  template <class T>
  void add_value(std::uint16_t type, const T& value) {
    add(type, &value, sizeof value);
  }
  void add_text(std::uint16_t type, const std::string& text) {
    add(type, text.c_str(), text.size() + 1);
  }
  // Everything that `body` adds is inside of the attribute.
  template <class Body>
  void add_nested(std::uint16_t type, Body body) {
    const std::size_t start = data_.size();
    add(type, nullptr, 0);
    body();
    const rtattr attribute{static_cast<unsigned short>(data_.size() - start), type};
    std::memcpy(data_.data() + start, &attribute, sizeof attribute);
  }
  template <class Fixed>
  void append_fixed(const Fixed& fixed) {
    append(&fixed, sizeof fixed);
  }
  // The whole message; the request may not change afterwards.
  std::string_view finish(unsigned sequence) {
    auto header = read_value<nlmsghdr>(data_);
    header.nlmsg_len = static_cast<std::uint32_t>(data_.size());
    header.nlmsg_seq = sequence;
    std::memcpy(data_.data(), &header, sizeof header);
    return data_;
  }

 private:
  void append(const void* data, std::size_t size) {
    if (size > 0) data_.append(static_cast<const char*>(data), size);
    data_.resize(NLMSG_ALIGN(data_.size()), '\0');
  }
  std::string data_;
};

class NetlinkSocket {
 public:
  // `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER.
  static Result<NetlinkSocket> open(int protocol);

  // Sends and reads answers until the kernel is done. Messages that are not acknowledgements are
  // appended to `answers`, without their headers. Errors begin with `what`; NotFound when the
  // object is not there.
  Status exchange(NetlinkRequest& request, const std::string& what,
                  std::vector<std::string>* answers = nullptr);

 private:
  explicit NetlinkSocket(host::Fd socket) : socket_(std::move(socket)) {}
  host::Fd socket_;
  unsigned sequence_ = 0;
};

}  // namespace minato::linux_net
