// How the spot agent's process tells the control process of a notice: a Unix socket in a directory
// that only the agents' Pods see. While control is away the agent tells again with its next poll.
//
// Loop thread only on the serving side; the agent's side blocks for the length of one answer.
#pragma once

#include <string>

#include "agent/agent.h"
#include "cluster/cluster.h"
#include "control/client.h"
#include "control/server.h"

namespace minato::local {

inline constexpr const char* kAgentSocket = "agent.sock";

void add_agent_verbs(control::Server& server, cluster::Cluster& cluster);

// agent::Sink in the agent's process.
class AgentLink final : public agent::Sink {
 public:
  AgentLink(const std::string& directory, std::string instance_id)
      : client_(directory + "/" + kAgentSocket), instance_id_(std::move(instance_id)) {}

  Status notice(const agent::Notice& notice) override;
  void cancelled(agent::Kind kind) override;
  void troubled(const std::string& message) override;
  void recovered() override;

 private:
  Status tell(const char* verb, boost::json::object arguments);

  control::Client client_;
  std::string instance_id_;
};

}  // namespace minato::local
