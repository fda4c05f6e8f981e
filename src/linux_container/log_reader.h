// Reads a container's log files as LogWriter keeps them: from the oldest rotated file on, or from
// the last lines, and further as they grow.
//
// Runs on the loop in slices, so that a long log does not hold up anything else; finding the place
// of the last lines is done on a worker. Destroying the reader ends it without a further callback.
// Errors: NotFound when there is no log.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "container/runtime.h"
#include "host/loop.h"

namespace minato::linux_container {

struct LogSource {
  std::string path;
  // True once nothing will be written any more: a followed stream then ends.
  std::function<bool()> is_complete;
  std::weak_ptr<const void> owner;  // Nothing is called back any more once it has expired.
};

std::unique_ptr<container::Runtime::LogStream> read_log(host::Loop& loop, LogSource source,
                                                        container::LogOptions options,
                                                        std::function<void(std::string_view)> chunk,
                                                        container::DoneStatus done);

// Lines of the CRI format to what a reader gets; exposed for its tests. Stateful: a line may come
// in several parts.
class LogFormatter {
 public:
  explicit LogFormatter(const container::LogOptions& options);
  // `line` without its newline. Lines that are not in the format are passed over.
  void add(std::string_view line, std::string& out);

 private:
  std::string since_;  // In the log's own form, which sorts as text.
  bool timestamps_;
  bool within_line_ = false;
};

}  // namespace minato::linux_container
