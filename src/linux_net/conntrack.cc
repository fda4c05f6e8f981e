#include "linux_net/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include "linux_net/address.h"
#include "linux_net/netlink_socket.h"

namespace minato::linux_net {
namespace {

constexpr std::uint16_t message_type(int message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

struct Tuple {
  Ipv4 source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t protocol = 0;
};

// Nested attributes carry a flag in their type.
constexpr int plain(int type) { return type & NLA_TYPE_MASK; }

Tuple parse_tuple(std::string_view data) {
  Tuple tuple;
  for_each_attribute(data, [&](int part, std::string_view inner) {
    for_each_attribute(inner, [&](int type, std::string_view value) {
      if (plain(part) == CTA_TUPLE_IP) {
        const Ipv4 address{ntohl(read_value<std::uint32_t>(value))};
        if (plain(type) == CTA_IP_V4_SRC) tuple.source = address;
        if (plain(type) == CTA_IP_V4_DST) tuple.destination = address;
      } else if (plain(part) == CTA_TUPLE_PROTO) {
        const std::uint16_t port = ntohs(read_value<std::uint16_t>(value));
        if (plain(type) == CTA_PROTO_NUM) tuple.protocol = read_value<std::uint8_t>(value);
        if (plain(type) == CTA_PROTO_SRC_PORT) tuple.source_port = port;
        if (plain(type) == CTA_PROTO_DST_PORT) tuple.destination_port = port;
      }
    });
  });
  return tuple;
}

}  // namespace

Status clear_stale_udp(const std::set<network::Endpoint>& current) {
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::open(NETLINK_NETFILTER));
  const nfgenmsg family{.nfgen_family = AF_INET, .version = NFNETLINK_V0, .res_id = 0};
  NetlinkRequest list(message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, family);
  std::vector<std::string> entries;
  RETURN_IF_ERROR(socket.exchange(list, "listing tracked connections", &entries));
  for (const std::string& entry : entries) {
    std::string_view original;
    Tuple reply;
    for_each_attribute(std::string_view(entry).substr(sizeof family),
                       [&](int type, std::string_view data) {
                         if (plain(type) == CTA_TUPLE_ORIG) original = data;
                         if (plain(type) == CTA_TUPLE_REPLY) reply = parse_tuple(data);
                       });
    const Tuple first = parse_tuple(original);
    const bool rewritten = first.destination != reply.source;
    if (first.protocol != IPPROTO_UDP || !rewritten) continue;
    if (current.contains({reply.source.to_string(), reply.source_port})) continue;
    NetlinkRequest remove(message_type(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, family);
    remove.add(CTA_TUPLE_ORIG | NLA_F_NESTED, original.data(), original.size());
    // It may have ended by itself meanwhile.
    RETURN_IF_ERROR(ignore_not_found(socket.exchange(remove, "deleting a tracked connection")));
  }
  return {};
}

}  // namespace minato::linux_net
