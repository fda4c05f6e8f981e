// Which objects a list or watch request asks for. Immutable; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/client.h"
#include "registry/strategy.h"
#include "store/store.h"

namespace minato::registry {

class Filter {
 public:
  // Errors: BadRequest (a field that the kind cannot be selected by).
  static Result<Filter> make(const kube::Kind& kind, const Strategy& strategy,
                             const kube::ListOptions& options);

  bool matches(const kube::Object& object) const;
  bool matches_everything() const {
    return namespace_.empty() && labels_.matches_everything() && fields_.empty();
  }

 private:
  struct Term {
    std::string (*value_of)(const kube::Object& object);
    std::string value;
    bool equal = true;
  };
  std::string namespace_;
  kube::Selector labels_;
  std::vector<Term> fields_;
};

// What a watch with this filter sees of a change: an object that starts to match is added, one that
// stops is deleted, in its last matching state. Nothing when it matches neither before nor after.
std::optional<kube::WatchEvent> filtered(const Filter& filter, const store::Event& event);

}  // namespace minato::registry
