// Writes one container's output as the CRI log format, and rotates it:
//
//   2016-10-06T00:17:09.669794202Z stdout F a whole line
//   2016-10-06T00:17:09.669794203Z stdout P the beginning of a line longer than kMaxLineBytes
//
// (github.com/kubernetes/design-proposals-archive node/kubelet-cri-logging.md.) A file that has
// reached the size limit becomes "<file>.1", older ones move up, and at most `files` are kept.
//
// Memory is bounded by one incomplete line per stream. Text that cannot be stored (disk full) is
// dropped and counted rather than blocking the container; the count is logged when writing works
// again. Used by the shim only; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "host/files.h"

namespace minato::linux_container {

enum class Stream { kStdout, kStderr };

class LogWriter {
 public:
  static constexpr std::size_t kMaxLineBytes = 16 << 10;  // As containerd's max_container_log_line.

  struct Options {
    std::string path;
    std::int64_t max_bytes = 10 << 20;
    int files = 5;
  };
  // Creates the directory and file; appends to what is there.
  static Result<LogWriter> open(Options options);

  void write(Stream stream, std::string_view text, WallTime now);
  // Writes what is left of lines without a newline at their end.
  void finish(WallTime now);

 private:
  LogWriter(Options options, host::Fd file, std::int64_t size)
      : options_(std::move(options)), file_(std::move(file)), size_(size) {}
  void add_line(Stream stream, char tag, std::string_view text);
  void set_time(WallTime now);
  void flush();
  void rotate();

  Options options_;
  host::Fd file_;
  std::int64_t size_;
  std::string partial_[2];
  std::string time_text_;  // Of this write: "2016-…09.669794202Z".
  std::int64_t time_second_ = -1;
  std::string second_text_;  // Cached: formatting a date for every line would dominate.
  std::string out_;
  std::uint64_t dropped_lines_ = 0;
  std::uint64_t pending_lines_ = 0;
};

}  // namespace minato::linux_container
