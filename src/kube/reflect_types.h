// type_of<T>() for scalars, std::optional, Box, std::vector and std::map. Included by reflect.h.
#pragma once

#include <map>
#include <optional>
#include <type_traits>
#include <vector>

namespace minato::kube::detail {

template <class T>
void clear_value(void* value) {
  *static_cast<T*>(value) = T{};
}

template <class T, Shape kShape>
struct ScalarType {
  static const TypeInfo& get() {
    static const TypeInfo info{.shape = kShape, .clear = &clear_value<T>};
    return info;
  }
};

template <class T>
struct TypeOf {  // A struct: found by ADL beside its declaration.
  static const TypeInfo& get() { return reflect(static_cast<const T*>(nullptr)); }
};
template <> struct TypeOf<std::string> : ScalarType<std::string, Shape::kString> {};
template <> struct TypeOf<bool> : ScalarType<bool, Shape::kBool> {};
template <> struct TypeOf<std::int32_t> : ScalarType<std::int32_t, Shape::kInt32> {};
template <> struct TypeOf<std::int64_t> : ScalarType<std::int64_t, Shape::kInt64> {};
template <> struct TypeOf<double> : ScalarType<double, Shape::kDouble> {};
template <> struct TypeOf<Bytes> : ScalarType<Bytes, Shape::kBytes> {};
template <> struct TypeOf<Time> : ScalarType<Time, Shape::kTime> {};
template <> struct TypeOf<MicroTime> : ScalarType<MicroTime, Shape::kMicroTime> {};
template <> struct TypeOf<Quantity> : ScalarType<Quantity, Shape::kQuantity> {};
template <> struct TypeOf<IntOrString> : ScalarType<IntOrString, Shape::kIntOrString> {};
template <> struct TypeOf<RawJson> : ScalarType<RawJson, Shape::kRawJson> {};

template <class Holder, class T>
struct PresenceType {
  static const TypeInfo& get() {
    static const TypeInfo info{
        .shape = Shape::kOptional,
        .element = &type_of<T>,
        .get = [](const void* holder) -> const void* {
          const auto& typed = *static_cast<const Holder*>(holder);
          return typed ? &*typed : nullptr;
        },
        .emplace = [](void* holder) -> void* { return &static_cast<Holder*>(holder)->emplace(); },
        .clear = &clear_value<Holder>};
    return info;
  }
};
template <class T> struct TypeOf<std::optional<T>> : PresenceType<std::optional<T>, T> {};
template <class T> struct TypeOf<Box<T>> : PresenceType<Box<T>, T> {};

template <class T>
struct TypeOf<std::vector<T>> {
  using List = std::vector<T>;
  static const TypeInfo& get() {
    static const TypeInfo info{
        .shape = Shape::kList,
        .element = &type_of<T>,
        .size = [](const void* list) { return static_cast<const List*>(list)->size(); },
        .at = [](const void* list, std::size_t i) -> const void* {
          return &(*static_cast<const List*>(list))[i];
        },
        .append = [](void* list) -> void* { return &static_cast<List*>(list)->emplace_back(); },
        .clear = &clear_value<List>};
    return info;
  }
};

template <class T>
struct TypeOf<std::map<std::string, T>> {
  using Map = std::map<std::string, T>;
  static const TypeInfo& get() {
    static const TypeInfo info{
        .shape = Shape::kMap,
        .element = &type_of<T>,
        .size = [](const void* map) { return static_cast<const Map*>(map)->size(); },
        .for_each =
            [](const void* map, void* context, TypeInfo::MapVisitor visit) {
              for (const auto& [key, value] : *static_cast<const Map*>(map)) {
                visit(context, key, &value);
              }
            },
        .insert = [](void* map, std::string_view key) -> void* {
          return &(*static_cast<Map*>(map))[std::string(key)];
        },
        .clear = &clear_value<Map>};
    return info;
  }
};

}  // namespace minato::kube::detail

namespace minato::kube {

template <class T>
const TypeInfo& type_of() {
  return detail::TypeOf<T>::get();
}

}  // namespace minato::kube
