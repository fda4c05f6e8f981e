// Objects: what has a kind, a name and a place in the store.
//
// Objects are values. Once in a store or a cache they are shared as ObjectPtr (immutable); copy
// (clone) before changing. Keys order objects by namespace, then name.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/reflect.h"
#include "kube/types/meta.h"

namespace minato::kube {

class Object;
using ObjectPtr = std::shared_ptr<const Object>;

enum class Scope { kNamespaced, kCluster };

struct CustomVersion;  // kube/custom_kind.h

// A kind as the API serves it: one static instance each for those that are built in (see kinds.cc),
// and one per version for those that a CustomResourceDefinition makes (kube/kinds.h).
struct Kind {
  std::string_view group;  // "" for core.
  std::string_view version;
  std::string_view kind;      // "Deployment"
  std::string_view resource;  // "deployments"
  std::string_view singular;  // "deployment"
  std::vector<std::string> short_names;
  Scope scope = Scope::kNamespaced;
  bool has_status = false;  // Serves the status subresource.
  std::unique_ptr<Object> (*make_object)(const Kind& kind) = nullptr;
  const TypeInfo& (*type)() = nullptr;
  // Of custom kinds: what the definition says of this version, and the kind that objects have in
  // the store whichever version their writers speak. Null for kinds that are built in.
  std::shared_ptr<const CustomVersion> custom;
  const Kind* stored = nullptr;

  std::unique_ptr<Object> make() const;
  const Kind& in_store() const { return stored == nullptr ? *this : *stored; }

  std::string api_version() const;     // "apps/v1", "v1"
  std::string group_resource() const;  // "deployments.apps", "pods": as errors print it.
  std::string list_kind() const;       // "DeploymentList"
};
// Kinds are compared by identity: one instance each.
inline bool operator==(const Kind& a, const Kind& b) { return &a == &b; }

struct ObjectKey {
  std::string namespace_;  // "" for cluster-scoped kinds.
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  bool operator==(const ObjectKey&) const = default;
  std::string to_string() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
};

class Object {
 public:
  ObjectMeta metadata;
  UnknownFields unknown;

  virtual ~Object() = default;
  virtual const Kind& kind() const = 0;
  virtual std::unique_ptr<Object> clone() const = 0;
  // The most derived object, as reflection addresses it.
  virtual void* self() = 0;
  const void* self() const { return const_cast<Object*>(this)->self(); }

  ObjectKey key() const { return {metadata.namespace_, metadata.name}; }

 protected:
  Object() = default;
  Object(const Object&) = default;
  Object(Object&&) = default;
  Object& operator=(const Object&) = default;
  Object& operator=(Object&&) = default;
};

template <class T>
class ObjectOf : public Object {
 public:
  const Kind& kind() const override { return T::static_kind(); }
  std::unique_ptr<Object> clone() const override {
    return std::make_unique<T>(static_cast<const T&>(*this));
  }
  void* self() override { return static_cast<T*>(this); }
};

// The object as its type. Requires: it is one (checked).
template <class T>
const T& as(const Object& object) {
  return static_cast<const T&>(object);
}
template <class T>
std::shared_ptr<const T> as(const ObjectPtr& object) {
  return std::static_pointer_cast<const T>(object);
}

inline std::unique_ptr<Object> Kind::make() const { return make_object(*this); }

// Every kind that is built in, ordered by (group, kind); and look-ups in it. Null: no such kind.
// Those of one cluster, custom ones among them, are a kube::Kinds.
const std::vector<const Kind*>& all_kinds();
const Kind* find_kind(std::string_view api_version, std::string_view kind);
const Kind* find_resource(std::string_view group, std::string_view version,
                          std::string_view resource);

}  // namespace minato::kube
