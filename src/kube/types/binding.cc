#include "kube/types/binding.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(Binding,
  FIELD(metadata, "metadata", 1),
  FIELD(target, "target", 2))

}  // namespace minato::kube
