#include "sources.h"

#include "host/files.h"

namespace minato::app {

constexpr std::size_t kMaxSourceBytes = 2 << 20;

Result<std::vector<spec::Source>> read_sources(const std::vector<std::string>& files) {
  std::vector<spec::Source> sources;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(std::string text, host::read_file(file, kMaxSourceBytes));
    sources.push_back({file, std::move(text)});
  }
  return sources;
}

}  // namespace minato::app
