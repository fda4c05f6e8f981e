#include "kube/types/events_v1.h"

#include "kube/reflect_define.h"

namespace minato::kube {

DEFINE_SPECIAL_MEMBERS(EventV1);
MINATO_STRUCT(EventV1,
  FIELD(metadata, "metadata", 1),
  FIELD(event_time, "eventTime", 2, kAlways),
  FIELD(series, "series", 3),
  FIELD(reporting_controller, "reportingController", 4),
  FIELD(reporting_instance, "reportingInstance", 5),
  FIELD(action, "action", 6),
  FIELD(reason, "reason", 7),
  FIELD(regarding, "regarding", 8),
  FIELD(related, "related", 9),
  FIELD(note, "note", 10),
  FIELD(type, "type", 11),
  FIELD(deprecated_source, "deprecatedSource", 12),
  FIELD(deprecated_first_timestamp, "deprecatedFirstTimestamp", 13),
  FIELD(deprecated_last_timestamp, "deprecatedLastTimestamp", 14),
  FIELD(deprecated_count, "deprecatedCount", 15))

}  // namespace minato::kube
