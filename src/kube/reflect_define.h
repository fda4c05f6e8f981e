// MINATO_STRUCT(Type, FIELD(member, "jsonName", number[, options[, "mergeKey"[, "mapKeys"]]]), …)
// defines reflect(const Type*); MINATO_ATOMIC_STRUCT the same of a type with structType=atomic.
// For the .cc files under kube/types only.
#pragma once

#include <array>

#include "kube/reflect.h"

namespace minato::kube::detail {

template <class Self, auto kMember>
constexpr FieldInfo make_field(std::string_view name, int number, unsigned options = 0,
                               std::string_view merge_key = {}, std::string_view map_keys = {}) {
  using Member = std::remove_reference_t<decltype(std::declval<Self&>().*kMember)>;
  return FieldInfo{name, number, options, merge_key, map_keys,
                   [](void* object) -> void* { return &(static_cast<Self*>(object)->*kMember); },
                   &type_of<Member>};
}

template <class Self>
TypeInfo struct_type(std::string_view name, std::span<const FieldInfo> fields, bool is_atomic) {
  return TypeInfo{.shape = Shape::kStruct,
                  .name = name,
                  .fields = fields,
                  .is_atomic = is_atomic,
                  .unknown = [](void* object) -> UnknownFields& {
                    return static_cast<Self*>(object)->unknown;
                  },
                  .clear = &clear_value<Self>};
}

}  // namespace minato::kube::detail

#define FIELD(member, ...) detail::make_field<Self, &Self::member>(__VA_ARGS__)

#define MINATO_STRUCT(Type, ...) MINATO_STRUCT_IMPL(Type, false, __VA_ARGS__)
#define MINATO_ATOMIC_STRUCT(Type, ...) MINATO_STRUCT_IMPL(Type, true, __VA_ARGS__)
#define MINATO_STRUCT_IMPL(Type, is_atomic, ...)                                        \
  const TypeInfo& reflect(const Type*) {                                                \
    using Self = Type;                                                                  \
    static const auto fields = std::to_array<FieldInfo>({__VA_ARGS__});                 \
    static const TypeInfo info = detail::struct_type<Self>(#Type, fields, is_atomic);   \
    return info;                                                                        \
  }
