// Service DNS: network::Dns by a dnsmasq in the VPC's router namespace.
//
// Answers only what apply() was given and says NXDOMAIN to everything else: there is no upstream.
// dnsmasq outlives this object and the process; open() adopts a running one that is really ours.
// It is started again when it ends. A change is one rename of its hosts file, which it notices by
// inotify (0.2 ms until it is answered). Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/env.h"
#include "host/loop.h"
#include "host/process.h"
#include "linux_net/process_identity.h"
#include "network/network.h"

namespace minato::linux_net {

struct DnsOptions {
  std::string directory;  // Absolute; must end with the namespaces, like VpcOptions::directory.
  std::string address;    // Of the router namespace: AddressPlan::dns().
  std::string log_file;   // "": none.
};

class DnsServer final : public network::Dns {
 public:
  // Errors: NotFound (dnsmasq is not installed), Unavailable (it did not start).
  static Result<std::unique_ptr<DnsServer>> open(DnsOptions options, host::Loop& loop,
                                                 env::Log& log);

  Status apply(const std::vector<network::DnsRecord>& records) override;
  std::string server_address() const override { return options_.address; }
  pid_t pid() const { return process_.pid; }

 private:
  DnsServer(DnsOptions options, host::Loop& loop, env::Log& log);
  bool adopt();
  Status start();
  Status watch();
  void restart_later();

  DnsOptions options_;
  host::Loop& loop_;
  env::Log& log_;
  ProcessIdentity process_;
  std::unique_ptr<host::ProcessWatch> watch_;
  env::TimerHandle restart_;
  std::string written_;  // What the hosts file holds; skips writing the same again.
};

// The hosts file: one line per address and name, sorted. Pure.
std::string render_hosts(const std::vector<network::DnsRecord>& records);

}  // namespace minato::linux_net
