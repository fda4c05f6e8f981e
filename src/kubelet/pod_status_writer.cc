// The API side of a PodWorker: its status, and the removal of what has ended.

#include <fmt/format.h>

#include "kubelet/pod_worker.h"

namespace minato::kubelet {

PodView PodWorker::view() const {
  PodView out{.pod = *scope_.pod,
              .init_containers = {},
              .containers = {},
              .ephemeral_containers = {},
              .pod_ip = scope_.ip,
              .host_ip = node_.options.private_ip,
              .start_time = start_time_,
              .now = node_.wall_seconds(),
              .sandbox_ready = has_sandbox_,
              .ended = stage_ == Stage::kDone,
              .verdict = verdict_ ? &*verdict_ : nullptr};
  for (const auto& worker : init_) out.init_containers.push_back(worker->view());
  for (const auto& worker : main_) out.containers.push_back(worker->view());
  for (const auto& worker : ephemeral_) out.ephemeral_containers.push_back(worker->view());
  return out;
}

void PodWorker::write_status() {
  if (gone_) return;
  if (adopted_terminal_) {
    final_written_ = stage_ == Stage::kDone;
    return;
  }
  kube::PodStatus status = build_pod_status(view());
  const bool same = kube::equal(status, scope_.pod->status);
  if (!same && !put_status(*scope_.pod, std::move(status))) return;
  final_written_ = stage_ == Stage::kDone;
}

bool PodWorker::put_status(const kube::Pod& current, kube::PodStatus status) {
  kube::Pod changed = current;
  changed.status = std::move(status);
  const Result<std::shared_ptr<const kube::Pod>> written =
      kube::update(node_.client, std::move(changed), kube::Subresource::kStatus);
  if (written) {
    scope_.pod = *written;
    return true;
  }
  if (is(written.error(), Reason::kNotFound)) return false;
  if (is(written.error(), Reason::kConflict)) {
    // Others own parts of the status, so it is built anew on what is there now.
    const auto newest = kube::get<kube::Pod>(node_.client, current.key());
    if (newest && (*newest)->metadata.uid == scope_.uid()) scope_.pod = *newest;
  } else {
    node_.env.log.write(env::Level::kWarning, "kubelet",
                        fmt::format("status of {}: {}", scope_.described(),
                                    written.error().message));
  }
  retry_api();
  return false;
}

void PodWorker::remove_from_api() {
  if (!is_set(scope_.pod->metadata.deletion_timestamp)) return;
  kube::RemoveOptions options;
  options.grace_period_seconds = 0;
  options.precondition_uid = scope_.uid();
  const Status removed = node_.client.remove(kube::Pod::static_kind(), scope_.pod->key(), options);
  // Conflict: another Pod has its name by now.
  if (removed || is(removed.error(), Reason::kNotFound) ||
      is(removed.error(), Reason::kConflict)) {
    return;
  }
  retry_api();
}

void PodWorker::retry_api() {
  api_timer_ = node_.env.executor.after(node_.options.api_retry, [this] { scope_.wake(); });
}

}  // namespace minato::kubelet
