// A small rtnetlink client: interfaces, addresses, routes and neighbours of one network namespace.
//
// A Netlink belongs to the namespace in which it was opened, whichever the caller's thread is in
// later. It keeps that namespace alive: do not hold one for longer than the work at hand. Blocking
// (the kernel answers at once); one thread at a time. Errors name the operation and its object and
// carry the kernel's own explanation where it gives one.
//
// Protocol: man 7 rtnetlink, linux/rtnetlink.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "linux_net/address.h"
#include "linux_net/netlink_socket.h"

namespace minato::linux_net {

enum class LinkState { kDown, kUp };

struct Link {
  int index = 0;
  std::string name;
  LinkState state = LinkState::kDown;  // As an administrator set it.
  int master = 0;                      // Index of the bridge that it is a port of; 0: none.
  MacAddress mac;
};

struct VethEnd {
  std::string name;
  MacAddress mac;
  std::string netns_path;  // "": the Netlink's own namespace.
};

struct Route {
  Prefix destination;
  std::optional<Ipv4> gateway;
  std::string device;    // "": a blackhole, what is sent there is dropped without a word.
  bool on_link = false;  // The gateway is reachable although no address of the device covers it.
};

class Netlink {
 public:
  static Result<Netlink> open();  // In the calling thread's namespace.
  static Result<Netlink> open_in(const std::string& netns_path);

  Result<Link> find_link(const std::string& name);
  Result<std::vector<Link>> links();
  // A bridge without spanning tree and multicast snooping. Its MAC is pinned: otherwise it would
  // change with its ports, under neighbours that know the old one. AlreadyExists is success.
  Status add_bridge(const std::string& name, const MacAddress& mac);
  Status add_veth(const VethEnd& one, const VethEnd& other);
  Status delete_link(const std::string& name);  // NotFound is success.
  Status set_link(const std::string& name, LinkState state);
  Status set_master(const std::string& name, const std::string& bridge);

  // These replace what is there, so that repeating them is harmless.
  Status add_address(const std::string& device, const Prefix& address_and_length);
  Status add_route(const Route& route);
  Status delete_route(const Route& route);  // NotFound is success.
  // A permanent entry; such ones are exempt from the kernel's neighbour table limit.
  Status add_neighbour(const std::string& device, Ipv4 address, const MacAddress& mac);
  Status delete_neighbour(const std::string& device, Ipv4 address);  // NotFound is success.

 private:
  explicit Netlink(NetlinkSocket socket) : socket_(std::move(socket)) {}
  Result<int> index_of(const std::string& name);

  NetlinkSocket socket_;
};

}  // namespace minato::linux_net
