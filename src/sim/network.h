// network::ServiceRules and network::Dns as tables that modelled requests consult.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "network/network.h"
#include "sim/datacenter.h"

namespace minato::sim {

class SimServiceRules final : public network::ServiceRules {
 public:
  explicit SimServiceRules(Datacenter& datacenter) : datacenter_(datacenter) {}
  Status apply(const std::string& node, const network::NodeRules& rules) override;

  // What the Node's kernel would choose for a new connection to this NodePort; empty address when
  // nothing answers there.
  network::Endpoint choose(const std::string& node, std::uint16_t node_port, env::Rng& rng) const;
  // What this NodePort of the Node leads to; null: nothing answers there.
  const network::Endpoints* endpoints(const std::string& node, std::uint16_t node_port) const;
  void forget(const std::string& node);

 private:
  Datacenter& datacenter_;
  std::map<std::string, network::NodeRules> rules_;
};

class SimDns final : public network::Dns {
 public:
  Status apply(const std::vector<network::DnsRecord>& records) override {
    records_ = records;
    return {};
  }
  std::string server_address() const override { return "10.0.0.2"; }
  const std::vector<network::DnsRecord>& records() const { return records_; }

 private:
  std::vector<network::DnsRecord> records_;
};

}  // namespace minato::sim
