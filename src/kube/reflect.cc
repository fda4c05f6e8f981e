#include "kube/reflect.h"

#include <boost/json/object.hpp>

namespace minato::kube {
namespace {

template <class T>
bool same(const void* a, const void* b) {
  return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

template <class T>
bool zero(const void* value) {
  return *static_cast<const T*>(value) == T{};
}

bool same_unknown(const UnknownFields& a, const UnknownFields& b) {
  const std::size_t size_a = a ? a->size() : 0, size_b = b ? b->size() : 0;
  if (size_a != size_b) return false;
  return size_a == 0 || a == b || *a == *b;
}

bool equal_structs(const TypeInfo& type, const void* a, const void* b) {
  for (const FieldInfo& field : type.fields) {
    if (!equal(field.type(), member_of(field, a), member_of(field, b))) return false;
  }
  return same_unknown(type.unknown(const_cast<void*>(a)), type.unknown(const_cast<void*>(b)));
}

bool equal_lists(const TypeInfo& type, const void* a, const void* b) {
  const std::size_t size = type.size(a);
  if (size != type.size(b)) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!equal(type.element(), type.at(a, i), type.at(b, i))) return false;
  }
  return true;
}

using Entries = std::vector<std::pair<const std::string*, const void*>>;
Entries entries_of(const TypeInfo& type, const void* map) {
  Entries entries;
  type.for_each(map, &entries, [](void* context, const std::string& key, const void* value) {
    static_cast<Entries*>(context)->emplace_back(&key, value);
  });
  return entries;
}

bool equal_maps(const TypeInfo& type, const void* a, const void* b) {
  if (type.size(a) != type.size(b)) return false;
  const Entries left = entries_of(type, a), right = entries_of(type, b);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (*left[i].first != *right[i].first) return false;
    if (!equal(type.element(), left[i].second, right[i].second)) return false;
  }
  return true;
}

}  // namespace

bool equal(const TypeInfo& type, const void* a, const void* b) {
  switch (type.shape) {
    case Shape::kString: return same<std::string>(a, b);
    case Shape::kBool: return same<bool>(a, b);
    case Shape::kInt32: return same<std::int32_t>(a, b);
    case Shape::kInt64: return same<std::int64_t>(a, b);
    case Shape::kDouble: return !(*static_cast<const double*>(a) < *static_cast<const double*>(b)) &&
                                !(*static_cast<const double*>(a) > *static_cast<const double*>(b));
    case Shape::kBytes: return same<Bytes>(a, b);
    case Shape::kTime:
    case Shape::kMicroTime: return same<WallTime>(a, b);
    case Shape::kQuantity: return same<Quantity>(a, b);
    case Shape::kIntOrString: return same<IntOrString>(a, b);
    case Shape::kRawJson: return same<RawJson>(a, b);
    case Shape::kStruct: return equal_structs(type, a, b);
    case Shape::kOptional: {
      const void* left = type.get(a);
      const void* right = type.get(b);
      if (left == nullptr || right == nullptr) return left == right;
      return equal(type.element(), left, right);
    }
    case Shape::kList: return equal_lists(type, a, b);
    case Shape::kMap: return equal_maps(type, a, b);
  }
  return false;
}

bool is_empty(const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kString: return zero<std::string>(value);
    case Shape::kBool: return !*static_cast<const bool*>(value);
    case Shape::kInt32: return zero<std::int32_t>(value);
    case Shape::kInt64: return zero<std::int64_t>(value);
    case Shape::kDouble: return *static_cast<const double*>(value) == 0.0;
    case Shape::kBytes: return zero<Bytes>(value);
    case Shape::kTime:
    case Shape::kMicroTime: return !is_set(*static_cast<const WallTime*>(value));
    case Shape::kQuantity: return static_cast<const Quantity*>(value)->is_zero();
    case Shape::kIntOrString: return zero<IntOrString>(value);
    case Shape::kRawJson: return zero<RawJson>(value);
    case Shape::kOptional: return type.get(value) == nullptr;
    case Shape::kList:
    case Shape::kMap: return type.size(value) == 0;
    case Shape::kStruct:
      for (const FieldInfo& field : type.fields) {
        if (!is_empty(field.type(), member_of(field, value))) return false;
      }
      return type.unknown(const_cast<void*>(value)) == nullptr;
  }
  return true;
}

void drop_unknown(const TypeInfo& type, void* value) {
  switch (type.shape) {
    case Shape::kStruct:
      type.unknown(value) = nullptr;
      for (const FieldInfo& field : type.fields) drop_unknown(field.type(), field.member(value));
      return;
    case Shape::kOptional:
      if (const void* present = type.get(value)) drop_unknown(type.element(), const_cast<void*>(present));
      return;
    case Shape::kList:
      for (std::size_t i = 0; i < type.size(value); ++i) {
        drop_unknown(type.element(), const_cast<void*>(type.at(value, i)));
      }
      return;
    case Shape::kMap: {
      const TypeInfo* element = &type.element();
      type.for_each(value, const_cast<TypeInfo*>(element), [](void* context, const std::string&, const void* member) {
        drop_unknown(*static_cast<const TypeInfo*>(context), const_cast<void*>(member));
      });
      return;
    }
    default: return;
  }
}

}  // namespace minato::kube
