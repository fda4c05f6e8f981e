#include "kube/types/scheduling.h"

#include "kube/reflect_define.h"

namespace minato::kube {

DEFINE_SPECIAL_MEMBERS(PriorityClass);
MINATO_STRUCT(PriorityClass,
  FIELD(metadata, "metadata", 1),
  FIELD(value, "value", 2, kAlways),
  FIELD(global_default, "globalDefault", 3),
  FIELD(description, "description", 4),
  FIELD(preemption_policy, "preemptionPolicy", 5))

}  // namespace minato::kube
