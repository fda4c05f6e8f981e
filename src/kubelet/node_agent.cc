#include "kubelet/node_agent.h"

#include <fmt/format.h>

namespace minato::kubelet {

void NodeAgent::start() {
  health_.ready = node_.options.ready_after == Duration{};
  register_node();
}

void NodeAgent::stop() {
  for (env::TimerHandle* timer :
       {&register_timer_, &ready_timer_, &status_timer_, &lease_timer_}) {
    timer->cancel();
  }
}

void NodeAgent::log_failure(std::string_view what, const Error& error) const {
  node_.env.log.write(env::Level::kWarning, "kubelet",
                      fmt::format("{} of {}: {}", what, node_.options.node_name, error.message));
}

void NodeAgent::register_node() {
  if (const Status status = try_register(); !status) {
    log_failure("registration", status.error());
    register_timer_ =
        node_.env.executor.after(node_.options.api_retry, [this] { register_node(); });
    return;
  }
  registered();
}

Status NodeAgent::try_register() {
  const Options& options = node_.options;
  const auto created =
      kube::create(node_.client, build_node(options, health_, node_.wall_seconds()));
  if (created) {
    node_uid_ = (*created)->metadata.uid;
    return try_write_status();
  }
  if (!is(created.error(), Reason::kAlreadyExists)) return std::unexpected(created.error());
  ASSIGN_OR_RETURN(const auto existing,
                   kube::get<kube::Node>(node_.client, {"", options.node_name}));
  const std::string& provider_id = existing->spec.provider_id;
  if (!provider_id.empty() && provider_id != options.provider_id) {
    // Another machine had this address: its Node is stale, and so is all that is said about it.
    RETURN_IF_ERROR(node_.client.remove(
        kube::Node::static_kind(), existing->key(),
        {.precondition_uid = existing->metadata.uid}));
    return fail(Reason::kAborted, fmt::format("replaced the Node of {}", provider_id));
  }
  node_uid_ = existing->metadata.uid;
  kube::Node changed = *existing;
  if (merge_node(changed, options)) {
    RETURN_IF_ERROR(kube::update(node_.client, std::move(changed)));
  }
  return try_write_status();
}

void NodeAgent::registered() {
  if (!health_.ready) {
    ready_timer_ =
        node_.env.executor.after(node_.options.ready_after, [this] { become_ready(); });
  }
  status_timer_ =
      node_.env.executor.after(node_.options.status_interval, [this] { write_status(); });
  renew_lease();
}

void NodeAgent::become_ready() {
  health_.ready = true;
  write_status();
}

void NodeAgent::set_memory_pressure(bool pressure) {
  if (health_.memory_pressure == pressure) return;
  health_.memory_pressure = pressure;
  write_status();
}

void NodeAgent::write_status() {
  const Status status = try_write_status();
  if (!status) log_failure("status", status.error());
  // A Node that is gone from the API was taken away on purpose; the Lease keeps being renewed.
  const Duration next = status || is(status.error(), Reason::kNotFound)
                            ? node_.options.status_interval
                            : node_.options.api_retry;
  status_timer_ = node_.env.executor.after(next, [this] { write_status(); });
}

Status NodeAgent::try_write_status() {
  ASSIGN_OR_RETURN(const auto current,
                   kube::get<kube::Node>(node_.client, {"", node_.options.node_name}));
  kube::Node changed = *current;
  fill_node_status(changed.status, node_.options, health_, node_.wall_seconds());
  if (kube::equal(changed.status, current->status)) return {};
  RETURN_IF_ERROR(kube::update(node_.client, std::move(changed), kube::Subresource::kStatus));
  return {};
}

void NodeAgent::renew_lease() {
  const Status renewed = try_renew_lease();
  if (!renewed) {
    log_failure("lease", renewed.error());
    lease_ = nullptr;
  }
  const Duration next = renewed ? node_.options.lease_interval : node_.options.api_retry;
  lease_timer_ = node_.env.executor.after(next, [this] { renew_lease(); });
}

Status NodeAgent::try_renew_lease() {
  const std::string& name = node_.options.node_name;
  if (!lease_) {
    const auto found =
        kube::get<kube::Lease>(node_.client, {std::string(kube::kNamespaceNodeLease), name});
    if (found) lease_ = *found;
    if (!found && !is(found.error(), Reason::kNotFound)) return std::unexpected(found.error());
  }
  kube::Lease lease = lease_ ? *lease_ : kube::Lease{};
  lease.metadata.name = name;
  lease.metadata.namespace_ = kube::kNamespaceNodeLease;
  if (lease.metadata.owner_references.empty()) {
    lease.metadata.owner_references.push_back(
        {.api_version = "v1", .kind = "Node", .name = name, .uid = node_uid_});
  }
  lease.spec.holder_identity = name;
  lease.spec.lease_duration_seconds = static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(node_.options.lease_duration).count());
  const WallTime now = std::chrono::floor<std::chrono::microseconds>(node_.env.clock.wall());
  lease.spec.renew_time = now;
  const auto written = lease_ ? kube::update(node_.client, std::move(lease))
                              : kube::create(node_.client, std::move(lease));
  if (!written) return std::unexpected(written.error());
  lease_ = *written;
  return {};
}

}  // namespace minato::kubelet
