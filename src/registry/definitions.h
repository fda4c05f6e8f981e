// What the server says of a CustomResourceDefinition: which names it gets, whether it is served,
// and which versions were ever stored.
//
// Upstream does this in controllers beside the API server; here it is done within the write, so a
// definition is served when its create returns. Reads the store, changes only the definition. Loop
// thread only.
// Rules: k8s.io/apiextensions-apiserver pkg/controller/{status,establish},
// pkg/registry/customresourcedefinition/strategy.go.
#pragma once

#include "kube/types/custom_resource.h"
#include "store/store.h"

namespace minato::registry {

// Conditions NamesAccepted and Established, acceptedNames and storedVersions. Names that another
// definition of the group has are not accepted; once established, a definition stays so.
void complete_definition(kube::CustomResourceDefinition& definition, const store::Store& store,
                         kube::Time now);
void set_terminating(kube::CustomResourceDefinition& definition, kube::Time now);

}  // namespace minato::registry
