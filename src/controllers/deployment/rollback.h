// Going back to an earlier revision of a Deployment, as `kubectl rollout undo` does: the template
// of the ReplicaSet that has the revision becomes the Deployment's template again; the controller
// then rolls to it as to any other change.
//
// Stateless. Rules: k8s.io/kubectl pkg/polymorphichelpers/rollback.go.
#pragma once

#include <cstdint>

#include "kube/client.h"

namespace minato::controllers {

struct Rollback {
  std::int64_t revision = 0;  // Whose template the Deployment has now.
  bool changed = false;       // False: it had that template already.
};

// `revision` 0 is the one before the present one. Errors: NotFound (Deployment, or no such
// revision), Invalid (paused), Conflict (changed meanwhile).
Result<Rollback> rollback(kube::Client& client, const kube::ObjectKey& key, std::int64_t revision);

}  // namespace minato::controllers
