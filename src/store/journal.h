// Seam: where a Store keeps its contents across process ends.
//
// A Journal is told whole batches and knows nothing of watches or versions of single objects. One
// Store owns it; loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kube/kinds.h"

namespace minato::store {

struct Batch {
  struct ObjectChange {
    const kube::Kind* kind = nullptr;
    kube::ObjectKey key;
    kube::ObjectPtr object;  // Null: no longer there.
    // kube::to_json(*object) when somebody needed it already, else null.
    std::shared_ptr<const std::string> text = {};
  };
  struct DocumentChange {
    std::string name;
    std::string text;
  };
  // At most one change per object and kind; to be made in this order, since a definition that was
  // made anew has a new kind under the old name.
  std::vector<ObjectChange> objects;
  std::vector<DocumentChange> documents;  // At most one change per document.
  std::uint64_t resource_version = 0;     // The highest ever given out.
};

class Journal {
 public:
  virtual ~Journal() = default;
  // Everything that was ever committed, in one batch without deletions. Called once, first. What
  // definitions it holds is told to `kinds` on the way, so that their objects have kinds.
  // Errors: Unavailable (cannot be opened or read, in use, damaged, or of a newer version).
  virtual Result<Batch> load(kube::Kinds& kinds) = 0;
  // All or nothing. On return the batch survives the end of this process. Errors: Unavailable; the
  // same batch may be offered again.
  virtual Status commit(const Batch& batch) = 0;
};

}  // namespace minato::store
