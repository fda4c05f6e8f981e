// The kinds of one cluster: those that are built in, and those that its CustomResourceDefinitions
// make. The Store owns it and keeps it in step with the definitions that it holds.
//
// A definition's kinds come with its condition Established and go with the definition. A Kind that
// was ever given out stays where it is for the life of this object, so that whoever still holds one
// (a watch, an object in a queue) is safe; it is only found no more. A definition that is made anew
// has new Kinds.
// Loop thread only. Errors: what a definition has in it was checked by the registry; a schema that
// cannot be read counts as none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"
#include "kube/types/custom_resource.h"

namespace minato::kube {

class Kinds {
 public:
  Kinds();
  ~Kinds();
  Kinds(const Kinds&) = delete;
  Kinds& operator=(const Kinds&) = delete;

  // A definition as it is now in the store, or its end.
  void follow(const CustomResourceDefinition& definition);
  void forget(const CustomResourceDefinition& definition);

  // As objects are stored: one of each, built in ones first. Valid until the next change.
  const std::vector<const Kind*>& all() const { return all_; }
  // The same and those of definitions that are gone, in the order in which they came.
  const std::vector<const Kind*>& ever() const { return ever_; }
  // Every served version of a definition's kind, newest first as clients are to prefer them.
  std::vector<const Kind*> custom_versions() const;
  // As clients name them: a version that is served. Null: no such kind.
  const Kind* find(std::string_view api_version, std::string_view kind) const;
  const Kind* find_resource(std::string_view group, std::string_view version,
                            std::string_view resource) const;
  // "widgets.example.com"; the kind in the store.
  const Kind* find_stored(std::string_view group_resource) const;
  // Grows with every change: whoever made something of the kinds makes it again.
  std::uint64_t generation() const { return generation_; }

 private:
  struct Definition;
  Definition& definition_of(const CustomResourceDefinition& definition);
  void list_again();

  std::vector<std::unique_ptr<Definition>> definitions_;  // Ever.
  std::map<std::string, Definition*, std::less<>> present_;  // By name.
  std::vector<const Kind*> all_, ever_;
  std::uint64_t generation_ = 1;
};

// Orders versions as upstream prefers them: v2 before v1 before v1beta1 before v1alpha1, then others
// by name. Rule: k8s.io/apimachinery pkg/version/helpers.go (CompareKubeAwareVersionStrings).
bool is_newer_version(std::string_view a, std::string_view b);

}  // namespace minato::kube
