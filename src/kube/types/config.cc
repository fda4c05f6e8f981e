#include "kube/types/config.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(NamespaceSpec,
  FIELD(finalizers, "finalizers", 1, kAtomic))

MINATO_STRUCT(NamespaceCondition,
  FIELD(type, "type", 1, kAlways),
  FIELD(status, "status", 2, kAlways),
  FIELD(last_transition_time, "lastTransitionTime", 4),
  FIELD(reason, "reason", 5),
  FIELD(message, "message", 6))

MINATO_STRUCT(NamespaceStatus,
  FIELD(phase, "phase", 1),
  FIELD(conditions, "conditions", 2, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(Namespace);
MINATO_STRUCT(Namespace,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

DEFINE_SPECIAL_MEMBERS(ConfigMap);
MINATO_STRUCT(ConfigMap,
  FIELD(metadata, "metadata", 1),
  FIELD(immutable, "immutable", 4),
  FIELD(data, "data", 2),
  FIELD(binary_data, "binaryData", 3))

DEFINE_SPECIAL_MEMBERS(Secret);
MINATO_STRUCT(Secret,
  FIELD(metadata, "metadata", 1),
  FIELD(immutable, "immutable", 5),
  FIELD(data, "data", 2),
  FIELD(string_data, "stringData", 4),
  FIELD(type, "type", 3))

MINATO_STRUCT(EventSource,
  FIELD(component, "component", 1),
  FIELD(host, "host", 2))

MINATO_STRUCT(EventSeries,
  FIELD(count, "count", 1),
  FIELD(last_observed_time, "lastObservedTime", 2))

DEFINE_SPECIAL_MEMBERS(Event);
MINATO_STRUCT(Event,
  FIELD(metadata, "metadata", 1, kAlways),
  FIELD(involved_object, "involvedObject", 2, kAlways),
  FIELD(reason, "reason", 3),
  FIELD(message, "message", 4),
  FIELD(source, "source", 5),
  FIELD(first_timestamp, "firstTimestamp", 6),
  FIELD(last_timestamp, "lastTimestamp", 7),
  FIELD(count, "count", 8),
  FIELD(type, "type", 9),
  FIELD(event_time, "eventTime", 10),
  FIELD(series, "series", 11),
  FIELD(action, "action", 12),
  FIELD(related, "related", 13),
  FIELD(reporting_component, "reportingComponent", 14, kAlways),
  FIELD(reporting_instance, "reportingInstance", 15, kAlways))

DEFINE_SPECIAL_MEMBERS(ServiceAccount);
MINATO_STRUCT(ServiceAccount,
  FIELD(metadata, "metadata", 1),
  FIELD(secrets, "secrets", 2, kMerge, "name"),
  FIELD(image_pull_secrets, "imagePullSecrets", 3, kAtomic),
  FIELD(automount_service_account_token, "automountServiceAccountToken", 4))

}  // namespace minato::kube
