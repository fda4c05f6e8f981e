// Seam: where a Store keeps its contents across process ends.
//
// A Journal is told whole batches and knows nothing of watches or versions of single objects. One
// Store owns it; loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kube/object.h"

namespace minato::store {

struct Batch {
  struct ObjectChange {
    const kube::Kind* kind = nullptr;
    kube::ObjectKey key;
    kube::ObjectPtr object;  // Null: no longer there.
  };
  struct DocumentChange {
    std::string name;
    std::string text;
  };
  std::vector<ObjectChange> objects;      // At most one change per object.
  std::vector<DocumentChange> documents;  // At most one change per document.
  std::uint64_t resource_version = 0;     // The highest ever given out.
};

class Journal {
 public:
  virtual ~Journal() = default;
  // Everything that was ever committed, in one batch without deletions. Called once, first.
  // Errors: Unavailable (cannot be opened or read, in use, damaged, or of a newer version).
  virtual Result<Batch> load() = 0;
  // All or nothing. On return the batch survives the end of this process. Errors: Unavailable; the
  // same batch may be offered again.
  virtual Status commit(const Batch& batch) = 0;
};

}  // namespace minato::store
