// Which fields of an object JSON has: what omitempty leaves out is absent. Pure; thread-safe.
#pragma once

#include "kube/reflect.h"

namespace minato::kube {

// Go writes a struct that is not behind a pointer even when it is empty; lists and maps that carry
// no omitempty would be null there, which strict clients refuse, so they are left out here.
bool is_written(const FieldInfo& field, const TypeInfo& type, const void* value);

}  // namespace minato::kube
