#include "linux_container/log_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "linux_container/layout.h"

namespace minato::linux_container {
namespace {

constexpr int kOpenFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
constexpr mode_t kLogMode = 0640;

}  // namespace

Result<LogWriter> LogWriter::open(Options options) {
  RETURN_IF_ERROR(host::make_directories(options.path.substr(0, options.path.rfind('/'))));
  host::Fd file(::open(options.path.c_str(), kOpenFlags, kLogMode));
  if (!file) return fail_errno("opening the log " + options.path, errno);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno("opening " + options.path, errno);
  return LogWriter(std::move(options), std::move(file), info.st_size);
}

void LogWriter::write(Stream stream, std::string_view text, WallTime now) {
  set_time(now);
  std::string& partial = partial_[static_cast<int>(stream)];
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::size_t room = kMaxLineBytes - partial.size();
    const std::size_t available = newline == std::string_view::npos ? text.size() : newline;
    const std::size_t taken = std::min(available, room);
    const bool whole = newline != std::string_view::npos && taken == newline;
    if (whole) {
      partial += text.substr(0, taken);
      add_line(stream, 'F', partial);
      partial.clear();
      text.remove_prefix(taken + 1);
      continue;
    }
    partial += text.substr(0, taken);
    text.remove_prefix(taken);
    if (partial.size() == kMaxLineBytes && !text.empty()) {
      add_line(stream, 'P', partial);
      partial.clear();
    }
  }
  flush();
}

void LogWriter::finish(WallTime now) {
  set_time(now);
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    std::string& partial = partial_[static_cast<int>(stream)];
    if (!partial.empty()) add_line(stream, 'F', partial);
    partial.clear();
  }
  flush();
}

void LogWriter::add_line(Stream stream, char tag, std::string_view text) {
  fmt::format_to(std::back_inserter(out_), "{} {} {} {}\n", time_text_,
                 stream == Stream::kStdout ? "stdout" : "stderr", tag, text);
  ++pending_lines_;
}

void LogWriter::set_time(WallTime now) {
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  const std::int64_t nanos = now.time_since_epoch().count();
  const std::int64_t second = nanos / kNanosPerSecond;
  if (second != time_second_) {
    time_second_ = second;
    second_text_ = format_rfc3339(WallTime{std::chrono::seconds(second)});
    second_text_.pop_back();  // The "Z".
  }
  time_text_ = fmt::format("{}.{:09}Z", second_text_, nanos % kNanosPerSecond);
}

void LogWriter::flush() {
  if (out_.empty()) return;
  if (dropped_lines_ > 0) {
    out_ = fmt::format("{} stderr F minato: {} lines of this log were lost: the disk was full\n",
                       time_text_, dropped_lines_) +
           out_;
  }
  const std::int64_t size = static_cast<std::int64_t>(out_.size());
  ssize_t written = 0;
  do {
    written = ::write(file_.get(), out_.data(), out_.size());
  } while (written < 0 && errno == EINTR);
  if (written == size) {
    size_ += size;
    dropped_lines_ = 0;
  } else {
    // Half a line would corrupt the format for every reader.
    if (written > 0 && ::ftruncate(file_.get(), size_) != 0) size_ += written;
    dropped_lines_ += pending_lines_;
  }
  out_.clear();
  pending_lines_ = 0;
  if (size_ >= options_.max_bytes) rotate();
}

void LogWriter::rotate() {
  for (int age = options_.files - 1; age > 0; --age) {
    const std::string younger = rotated_log_file(options_.path, age - 1);
    ::rename(younger.c_str(), rotated_log_file(options_.path, age).c_str());
  }
  // With a single file to keep there is nothing to rename to: it starts anew.
  if (options_.files == 1) ::unlink(options_.path.c_str());
  host::Fd next(::open(options_.path.c_str(), kOpenFlags, kLogMode));
  if (!next) return;  // Tried again after the next write; the old file goes on meanwhile.
  file_ = std::move(next);
  size_ = 0;
}

}  // namespace minato::linux_container
