// Run-time description of the API types. Every struct under kube/types is declared once, with a
// table of its fields; one interpreter each for JSON, equality, merging and (later) protobuf and
// OpenAPI walks those tables.
//
// A new type: write the struct, `const TypeInfo& reflect(const T*);` after it, and its table with
// MINATO_STRUCT in the .cc file. Thread-safe: tables are immutable after first use.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kube/types/scalars.h"

namespace minato::kube {

enum class Shape : std::uint8_t {
  kString, kBool, kInt32, kInt64, kDouble, kBytes, kTime, kMicroTime, kQuantity, kIntOrString,
  kRawJson,
  kStruct,    // fields, unknown
  kOptional,  // element; get, emplace (std::optional of a scalar, Box of a struct)
  kList,      // element; size, at, append
  kMap,       // element; size, for_each, insert (keys are strings, ordered)
};

// How a field behaves; the tags of the upstream types.
enum FieldOption : std::uint8_t {
  kAlways = 1,       // No omitempty: written even when empty (lists and maps excepted).
  kInline = 2,       // Members appear in the parent's JSON object.
  kMerge = 4,        // patchStrategy=merge
  kReplace = 8,      // patchStrategy=replace
  kRetainKeys = 16,  // patchStrategy=retainKeys
  kAtomic = 32,      // listType=atomic, mapType=atomic
  kSet = 64,         // listType=set
};

struct FieldInfo {
  std::string_view name;  // JSON name; "" for kInline.
  int number = 0;         // Protobuf field number.
  unsigned options = 0;   // FieldOption bits.
  std::string_view merge_key;      // patchMergeKey
  std::string_view list_map_keys;  // listMapKeys, comma-separated.
  void* (*member)(void* object) = nullptr;
  const TypeInfo& (*type)() = nullptr;
};

struct TypeInfo {
  using MapVisitor = void (*)(void* context, const std::string& key, const void* value);

  Shape shape = Shape::kString;
  std::string_view name;
  std::span<const FieldInfo> fields;
  bool is_atomic = false;  // A struct that has one owner (structType=atomic).
  UnknownFields& (*unknown)(void*) = nullptr;
  const TypeInfo& (*element)() = nullptr;
  std::size_t (*size)(const void*) = nullptr;
  const void* (*get)(const void*) = nullptr;  // Null when absent.
  void* (*emplace)(void*) = nullptr;
  const void* (*at)(const void*, std::size_t) = nullptr;
  void* (*append)(void*) = nullptr;
  void (*for_each)(const void*, void* context, MapVisitor) = nullptr;
  void* (*insert)(void*, std::string_view key) = nullptr;
  void (*clear)(void*) = nullptr;
};

// The description of any member type.
template <class T>
const TypeInfo& type_of();

inline const void* member_of(const FieldInfo& field, const void* object) {
  return field.member(const_cast<void*>(object));
}

// Deep equality by content; unknown fields count. Quantities compare by amount.
bool equal(const TypeInfo& type, const void* a, const void* b);
// True for the value that omitempty leaves out: zero, empty, absent. A struct is empty only when
// all of its fields are.
bool is_empty(const TypeInfo& type, const void* value);

// Takes out, deeply, what no table knows of.
void drop_unknown(const TypeInfo& type, void* value);

template <class T>
bool equal(const T& a, const T& b) {
  return equal(type_of<T>(), &a, &b);
}

}  // namespace minato::kube

#include "kube/reflect_types.h"
