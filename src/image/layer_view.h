// Reads single files through a stack of unpacked layers, as overlayfs would show them.
//
// Holds descriptors of the layers' roots only. Blocking; one thread at a time. Errors: NotFound,
// Invalid (not a regular file, too large, too many links).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/files.h"

namespace minato::image {

class LayerView {
 public:
  // Lowest first.
  static Result<LayerView> open(const std::vector<std::string>& layers);
  // An absolute path inside; links are followed inside.
  Result<std::string> read_file(std::string_view path, std::size_t limit_bytes) const;

 private:
  // A merged directory: the directories that make it up, uppermost first.
  using Merged = std::vector<host::Fd>;
  // What a name in a merged directory is; exactly one is set.
  struct Found {
    Merged directory;
    std::string link;
    host::Fd file;
  };
  explicit LayerView(Merged roots) : roots_(std::move(roots)) {}
  static Result<Found> look_up(const Merged& parent, const std::string& name);

  Merged roots_;
};

}  // namespace minato::image
