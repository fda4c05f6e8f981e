#include "kube/types/coordination.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(LeaseSpec,
  FIELD(holder_identity, "holderIdentity", 1),
  FIELD(lease_duration_seconds, "leaseDurationSeconds", 2),
  FIELD(acquire_time, "acquireTime", 3),
  FIELD(renew_time, "renewTime", 4),
  FIELD(lease_transitions, "leaseTransitions", 5),
  FIELD(strategy, "strategy", 6),
  FIELD(preferred_holder, "preferredHolder", 7))

DEFINE_SPECIAL_MEMBERS(Lease);
MINATO_STRUCT(Lease,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

}  // namespace minato::kube
