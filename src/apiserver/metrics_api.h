// metrics.k8s.io/v1beta1: what Pods and Nodes use, as `kubectl top` asks for it. A view of
// metrics::Source; read only. Loop thread only.
// Rules: k8s.io/metrics pkg/apis/metrics/v1beta1.
#pragma once

#include "apiserver/call.h"
#include "metrics/source.h"

namespace minato::apiserver {

// `source` may be null: Unavailable then. Errors are answered.
void answer_metrics(const CallPtr& call, const metrics::Source* source);

}  // namespace minato::apiserver
