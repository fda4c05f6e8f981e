// Sets of field paths of an object, as metadata.managedFields keeps them (FieldsV1), and what
// server-side apply does with them: which fields a configuration names, which differ between two
// objects, how one is merged into another and how fields are taken out again.
//
// Pure functions over JSON values and the type tables (of custom kinds: their schemas); thread-safe. Input is untrusted: sets are
// bounded in depth by the JSON they come from (kube/json.h). Fields of which a type says nothing
// are treated as maps of atoms.
// Rules: sigs.k8s.io/structured-merge-diff v4 (fieldpath, typed); KEP-555.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <vector>

#include "kube/object.h"
#include "kube/reflect.h"

namespace minato::kube {

class FieldSet {
 public:
  // Errors: Invalid.
  static Result<FieldSet> parse(std::string_view fields_v1);
  std::string to_fields_v1() const;
  bool empty() const { return !member_ && children_.empty(); }

  void unite(const FieldSet& other);
  void subtract(const FieldSet& other);
  FieldSet intersected(const FieldSet& other) const;
  // ".spec.containers[name=\"main\"].image", one for each member.
  std::vector<std::string> paths() const;

  bool member_ = false;                       // The path that ends here is one of the set.
  std::map<std::string, FieldSet> children_;  // "f:spec", "k:{\"name\":\"main\"}", "v:\"x\"".
};

// What is known of an object's fields: a table, and of custom kinds a schema.
struct Typing {
  Typing() = default;  // Nothing is known.
  Typing(const TypeInfo& of_type) : type(&of_type) {}
  explicit Typing(const Kind& kind);
  const TypeInfo* type = nullptr;
  const struct Schema* schema = nullptr;
};

// Every field that the configuration `object` names, without those that no manager owns (name, uid,
// versions, …). Containers that are not empty are not among them.
FieldSet fields_of(const Typing& typing, const boost::json::value& object);
// What a creation sets, of an object of a built-in kind and without its status: as upstream does,
// by comparing with an object of zeros, in which structs and lists without omitempty are there
// already and everything else is made with its container. Made from the object itself, as every
// creation needs it.
std::string fields_v1_of(const Object& object);
// Of two objects: fields that are only in `after` or differ there, and fields only in `before`.
struct FieldChanges {
  FieldSet changed, removed;
};
FieldChanges compare_fields(const Typing& typing, const boost::json::value& before,
                            const boost::json::value& after);
// `config` laid over `live`: maps and lists with keys merge, everything else is replaced.
boost::json::value merge_config(const Typing& typing, boost::json::value live,
                                const boost::json::value& config);
// Takes the members of `fields` out of `object`; containers that become empty go too when they
// are members themselves.
void remove_fields(const Typing& typing, boost::json::value& object, const FieldSet& fields);

}  // namespace minato::kube
