// Service DNS: the records on disk, and how dnsmasq serves them.
//
// The control process writes the records; DNS Pods, which see the directory as a hostPath, run
// dnsmasq on it (`minato dns`) behind the kube-dns Service. So names resolve while control is away,
// and stop resolving when the DNS Pods do. A change is one rename of the hosts file, which dnsmasq
// notices by inotify (0.2 ms until it is answered). Loop thread only.
#pragma once

#include <string>
#include <vector>

#include "network/network.h"

namespace minato::linux_net {

class HostsDirectory final : public network::Dns {
 public:
  // `directory` is made; hosts/ below it is what dnsmasq watches. `server_address` is what Pods ask.
  static Result<HostsDirectory> open(const std::string& directory, std::string server_address);

  Status apply(const std::vector<network::DnsRecord>& records) override;
  std::string server_address() const override { return server_address_; }
  std::string path() const { return directory_ + "/hosts"; }

 private:
  HostsDirectory(std::string directory, std::string server_address);

  std::string directory_;
  std::string server_address_;
  std::string written_;  // What the hosts file holds; skips writing the same again.
};

// The hosts file: one line per address and name, sorted. Pure.
std::string render_hosts(const std::vector<network::DnsRecord>& records);
// dnsmasq in the foreground that answers what the directory says and NXDOMAIN to everything else:
// there is no upstream.
std::vector<std::string> dns_command(const std::string& hosts_directory, const std::string& listen);

}  // namespace minato::linux_net
