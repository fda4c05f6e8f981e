// Admission on create: what plug-ins of kube-apiserver that every cluster has switched on would
// add to a Pod or refuse it for. Reads the store, changes only the object. Loop thread only.
// Rules: k8s.io/kubernetes plugin/pkg/admission/{priority,defaulttolerationseconds,runtimeclass,serviceaccount}.
#pragma once

#include "env/env.h"
#include "kube/types/pod.h"
#include "store/store.h"

namespace minato::registry {

// Errors: Forbidden (no such PriorityClass, or a priority that differs from its class's).
Status admit_priority(kube::Pod& pod, const store::Store& store);
// 300 s for nodes that turn not-ready or unreachable, unless the Pod says otherwise.
void admit_default_tolerations(kube::Pod& pod);
// There are no RuntimeClasses here. Errors: Forbidden (the Pod asks for one, or for overhead).
Status check_runtime_class(const kube::Pod& pod);
// Names the account, in both of the fields that there are.
void admit_service_account(kube::Pod& pod);
// What a Pod has of its account: pull secrets, and unless one of them says no, the projected volume
// with which its containers reach the API. Errors: Forbidden (there is no such account).
Status admit_api_access(kube::Pod& pod, const store::Store& store, env::Rng& rng);

}  // namespace minato::registry
