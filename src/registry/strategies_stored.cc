// Kinds that nothing here acts on and of which only metadata and types are looked at.
#include "kube/types/certificates.h"
#include "kube/types/networking.h"
#include "kube/types/persistent.h"
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

}  // namespace

std::vector<Strategy> stored_strategies() {
  return {stored_without_generation<kube::PersistentVolume>(),
          stored<kube::ControllerRevision>(),
          stored_without_generation<kube::CertificateSigningRequest>(),
          stored<kube::IngressClass>(),
          stored_without_generation<kube::CSIDriver>(),
          stored<kube::CSINode>(),
          stored<kube::CSIStorageCapacity>(),
          stored<kube::VolumeAttachment>()};
}

}  // namespace minato::registry
