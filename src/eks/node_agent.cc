#include "eks/node_agent.h"

namespace minato::eks {
namespace {

agent::RemovalSink::Options sink_options(const NodeAgent::Options& options) {
  agent::RemovalSink::Options out;
  out.node = options.node;
  out.lifecycle_timeout = options.hook_timeout;
  return out;
}

agent::Agent::Options agent_options(Duration poll) {
  agent::Agent::Options out;
  out.poll_interval = poll;
  return out;
}

}  // namespace

NodeAgent::NodeAgent(env::Env env, kube::Client& client, cloud::InstanceMetadata& metadata, Options options)
    : env_(std::move(env)),
      informers_(client),
      handover_(env_.fork("handover"), client, informers_),
      sink_(env_.fork("sink"), client, informers_, handover_, sink_options(options)),
      agent_(env_.fork("agent"), metadata, sink_, agent_options(options.poll)) {}

Status NodeAgent::start() {
  RETURN_IF_ERROR(informers_.start());
  agent_.start();
  return {};
}

void NodeAgent::add_metrics(MetricsText& out) const {
  for (const agent::Kind kind : agent::kKinds) {
    out.gauge("minato_agent_notice", "Whether such a notice stands.", agent_.notice(kind) == nullptr ? 0 : 1,
              {{"kind", std::string(agent::to_string(kind))}});
  }
}

}  // namespace minato::eks
