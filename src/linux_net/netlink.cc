#include "linux_net/netlink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "linux_net/netns.h"

namespace minato::linux_net {
namespace {

std::uint32_t network_order(Ipv4 address) { return htonl(address.value); }

Link parse_link(std::string_view message) {
  const auto info = read_value<ifinfomsg>(message);
  Link link{.index = info.ifi_index};
  if ((info.ifi_flags & IFF_UP) != 0) link.state = LinkState::kUp;
  for_each_attribute(message.substr(NLMSG_ALIGN(sizeof info)),
                     [&](int type, std::string_view data) {
                       if (type == IFLA_IFNAME)
                         link.name = std::string(data.substr(0, data.find('\0')));
                       if (type == IFLA_MASTER) link.master = read_value<int>(data);
                       if (type == IFLA_ADDRESS) link.mac = read_value<MacAddress>(data);
                     });
  return link;
}

}  // namespace

Result<Netlink> Netlink::open() {
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::open(NETLINK_ROUTE));
  return Netlink(std::move(socket));
}

Result<Netlink> Netlink::open_in(const std::string& netns_path) {
  ASSIGN_OR_RETURN(const NetnsGuard guard, NetnsGuard::enter(netns_path));
  return open();
}

Result<Link> Netlink::find_link(const std::string& name) {
  NetlinkRequest request(RTM_GETLINK, NLM_F_ACK, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  std::vector<std::string> answers;
  RETURN_IF_ERROR(socket_.exchange(request, "finding interface " + name, &answers));
  if (answers.empty()) return fail(Reason::kNotFound, "finding interface " + name);
  return parse_link(answers.front());
}

Result<std::vector<Link>> Netlink::links() {
  NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  std::vector<std::string> answers;
  RETURN_IF_ERROR(socket_.exchange(request, "listing interfaces", &answers));
  std::vector<Link> links;
  for (const std::string& answer : answers) links.push_back(parse_link(answer));
  return links;
}

Result<int> Netlink::index_of(const std::string& name) {
  ASSIGN_OR_RETURN(const Link link, find_link(name));
  return link.index;
}

Status Netlink::add_bridge(const std::string& name, const MacAddress& mac) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  request.add_value(IFLA_ADDRESS, mac);
  request.add_nested(IFLA_LINKINFO, [&] {
    request.add_text(IFLA_INFO_KIND, "bridge");
    request.add_nested(IFLA_INFO_DATA, [&] {
      request.add_value(IFLA_BR_STP_STATE, std::uint32_t{0});
      request.add_value(IFLA_BR_FORWARD_DELAY, std::uint32_t{0});
      request.add_value(IFLA_BR_MCAST_SNOOPING, std::uint8_t{0});
    });
  });
  const Status status = socket_.exchange(request, "creating bridge " + name);
  if (!status && is(status.error(), Reason::kAlreadyExists)) return {};
  return status;
}

Status Netlink::add_veth(const VethEnd& one, const VethEnd& other) {
  const std::string what = fmt::format("creating veth pair {} and {}", one.name, other.name);
  host::Fd namespaces[2];
  NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  const auto add_end = [&](const VethEnd& end, host::Fd& netns) -> Status {
    request.add_text(IFLA_IFNAME, end.name);
    request.add_value(IFLA_ADDRESS, end.mac);
    if (end.netns_path.empty()) return {};
    netns = host::Fd(::open(end.netns_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!netns) return fail_errno(fmt::format("{}: opening {}", what, end.netns_path), errno);
    request.add_value(IFLA_NET_NS_FD, netns.get());
    return {};
  };
  RETURN_IF_ERROR(add_end(one, namespaces[0]));
  Status peer;
  request.add_nested(IFLA_LINKINFO, [&] {
    request.add_text(IFLA_INFO_KIND, "veth");
    request.add_nested(IFLA_INFO_DATA, [&] {
      request.add_nested(VETH_INFO_PEER, [&] {
        request.append_fixed(ifinfomsg{});
        peer = add_end(other, namespaces[1]);
      });
    });
  });
  RETURN_IF_ERROR(std::move(peer));
  return socket_.exchange(request, what);
}

Status Netlink::delete_link(const std::string& name) {
  const auto index = index_of(name);
  if (failed_with(index, Reason::kNotFound)) return {};
  RETURN_IF_ERROR(index);
  ifinfomsg info{};
  info.ifi_index = *index;
  NetlinkRequest request(RTM_DELLINK, NLM_F_ACK, info);
  return socket_.exchange(request, "deleting interface " + name);
}

Status Netlink::set_link(const std::string& name, LinkState state) {
  ifinfomsg info{};
  ASSIGN_OR_RETURN(info.ifi_index, index_of(name));
  info.ifi_change = IFF_UP;
  info.ifi_flags = state == LinkState::kUp ? unsigned{IFF_UP} : 0U;
  NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, info);
  return socket_.exchange(request, fmt::format("setting interface {} {}", name,
                                               state == LinkState::kUp ? "up" : "down"));
}

Status Netlink::set_master(const std::string& name, const std::string& bridge) {
  ifinfomsg info{};
  ASSIGN_OR_RETURN(info.ifi_index, index_of(name));
  ASSIGN_OR_RETURN(const int master, index_of(bridge));
  NetlinkRequest request(RTM_NEWLINK, NLM_F_ACK, info);
  request.add_value(IFLA_MASTER, master);
  return socket_.exchange(request, fmt::format("making interface {} a port of {}", name, bridge));
}

Status Netlink::add_address(const std::string& device, const Prefix& address_and_length) {
  ifaddrmsg info{};
  info.ifa_family = AF_INET;
  info.ifa_prefixlen = static_cast<std::uint8_t>(address_and_length.length);
  // RFC 3927: not for talking to other links, so that masquerading never takes it as its source.
  const bool is_link_local = (address_and_length.base.value >> 16) == 0xA9FE;
  if (is_link_local) info.ifa_scope = RT_SCOPE_LINK;
  ASSIGN_OR_RETURN(const int index, index_of(device));
  info.ifa_index = static_cast<std::uint32_t>(index);
  NetlinkRequest request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, info);
  const std::uint32_t address = network_order(address_and_length.base);
  request.add_value(IFA_LOCAL, address);
  request.add_value(IFA_ADDRESS, address);
  return socket_.exchange(
      request, fmt::format("adding address {} to {}", address_and_length.to_string(), device));
}

namespace {

rtmsg route_message(const Route& route) {
  rtmsg info{};
  info.rtm_family = AF_INET;
  info.rtm_dst_len = static_cast<std::uint8_t>(route.destination.length);
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = RTPROT_STATIC;
  const bool blackhole = route.device.empty();
  info.rtm_type = blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
  info.rtm_scope = route.gateway || blackhole ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  if (route.on_link) info.rtm_flags |= RTNH_F_ONLINK;
  return info;
}

}  // namespace

Status Netlink::add_route(const Route& route) {
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
                         route_message(route));
  request.add_value(RTA_DST, network_order(route.destination.base));
  if (route.gateway) request.add_value(RTA_GATEWAY, network_order(*route.gateway));
  if (!route.device.empty()) {
    ASSIGN_OR_RETURN(const int index, index_of(route.device));
    request.add_value(RTA_OIF, index);
  }
  return socket_.exchange(request,
                          fmt::format("adding route {} through {}", route.destination.to_string(),
                                      route.device.empty() ? "nothing" : route.device));
}

Status Netlink::delete_route(const Route& route) {
  NetlinkRequest request(RTM_DELROUTE, NLM_F_ACK, route_message(route));
  request.add_value(RTA_DST, network_order(route.destination.base));
  return ignore_not_found(
      socket_.exchange(request, fmt::format("deleting route {}", route.destination.to_string())));
}

Status Netlink::add_neighbour(const std::string& device, Ipv4 address, const MacAddress& mac) {
  ndmsg info{};
  info.ndm_family = AF_INET;
  info.ndm_state = NUD_PERMANENT;
  ASSIGN_OR_RETURN(info.ndm_ifindex, index_of(device));
  NetlinkRequest request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, info);
  request.add_value(NDA_DST, network_order(address));
  request.add_value(NDA_LLADDR, mac);
  return socket_.exchange(request,
                          fmt::format("adding neighbour {} on {}", address.to_string(), device));
}

Status Netlink::delete_neighbour(const std::string& device, Ipv4 address) {
  ndmsg info{};
  info.ndm_family = AF_INET;
  const auto index = index_of(device);
  if (failed_with(index, Reason::kNotFound)) return {};
  RETURN_IF_ERROR(index);
  info.ndm_ifindex = *index;
  NetlinkRequest request(RTM_DELNEIGH, NLM_F_ACK, info);
  request.add_value(NDA_DST, network_order(address));
  return ignore_not_found(socket_.exchange(
      request, fmt::format("deleting neighbour {} on {}", address.to_string(), device)));
}

}  // namespace minato::linux_net
