// Kinds that nothing here acts on: stored and served, with the defaults that clients rely on.
#include "kube/types/batch.h"
#include "kube/types/certificates.h"
#include "kube/types/networking.h"
#include "kube/types/persistent.h"
#include "kube/types/quota.h"
#include "kube/types/stateful.h"
#include "kube/types/storage.h"
#include "registry/strategy.h"

namespace minato::registry {
namespace {

template <class T>
Strategy stored_without_generation() {
  return make_strategy<T>();
}

template <class T>
Strategy stored() {
  Strategy out = stored_without_generation<T>();
  if constexpr (requires(T& object) { object.spec; }) out.changes_generation = &spec_changed<T>;
  return out;
}

template <class T>
void one_replica(kube::Object& object) {
  auto& replicas = mutable_as<T>(object).spec.replicas;
  if (!replicas) replicas = 1;
}

template <class T>
Strategy stored_with_replicas() {
  Strategy out = stored<T>();
  out.set_defaults = &one_replica<T>;
  return out;
}

void claim_is_pending(kube::Object& object) {
  mutable_as<kube::PersistentVolumeClaim>(object).status.phase = "Pending";
}

Strategy claim_strategy() {
  Strategy out = stored_without_generation<kube::PersistentVolumeClaim>();
  out.prepare_create = &claim_is_pending;
  return out;
}

}  // namespace

std::vector<Strategy> stored_strategies() {
  return {stored_without_generation<kube::LimitRange>(),
          stored_without_generation<kube::PersistentVolume>(),
          claim_strategy(),
          stored_with_replicas<kube::ReplicationController>(),
          stored_without_generation<kube::ResourceQuota>(),
          stored<kube::ControllerRevision>(),
          stored_with_replicas<kube::StatefulSet>(),
          stored<kube::CronJob>(),
          stored<kube::Job>(),
          stored_without_generation<kube::CertificateSigningRequest>(),
          stored<kube::Ingress>(),
          stored<kube::IngressClass>(),
          stored_without_generation<kube::CSIDriver>(),
          stored<kube::CSINode>(),
          stored<kube::CSIStorageCapacity>(),
          stored<kube::StorageClass>(),
          stored<kube::VolumeAttachment>()};
}

}  // namespace minato::registry
