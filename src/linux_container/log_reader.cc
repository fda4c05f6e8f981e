#include "linux_container/log_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "host/files.h"
#include "linux_container/layout.h"

namespace minato::linux_container {
namespace {

constexpr std::size_t kSliceBytes = 64 << 10;
constexpr Duration kPollInterval = 100ms;
constexpr int kMaxRotatedFiles = 1000;  // Far beyond any setting; bounds the search.

// Where reading starts.
struct Place {
  host::Fd file;
  off_t offset = 0;
};

host::Fd open_log(const std::string& path) {
  return host::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

int oldest_age(const std::string& path) {
  int age = 0;
  while (age < kMaxRotatedFiles && ::access(rotated_log_file(path, age + 1).c_str(), F_OK) == 0) {
    ++age;
  }
  return age;
}

// Offset of the last `lines` lines of the file, which `lines` is reduced by.
off_t last_lines(int fd, std::int64_t& lines) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return 0;
  char buffer[16 << 10];
  off_t end = info.st_size;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(sizeof buffer));
    const ssize_t n = ::pread(fd, buffer, static_cast<std::size_t>(end - begin), begin);
    if (n <= 0) return 0;
    for (off_t at = begin + n - 1; at >= begin; --at) {
      // The newline before a line ends the search; the one that ends the file is no line's begin.
      if (buffer[at - begin] != '\n' || at == info.st_size - 1) continue;
      if (--lines == 0) return at + 1;
    }
    end = begin;
  }
  if (info.st_size > 0) --lines;  // The file's first line has no newline before it.
  return 0;
}

Result<Place> find_start(const std::string& path, std::int64_t tail_lines) {
  const int oldest = oldest_age(path);
  if (tail_lines < 0) {
    Place place{open_log(rotated_log_file(path, oldest))};
    if (!place.file) return fail(Reason::kNotFound, "there is no log at " + path);
    return place;
  }
  Place place;
  std::int64_t lines = tail_lines;
  for (int age = 0; age <= oldest; ++age) {
    host::Fd file = open_log(rotated_log_file(path, age));
    if (!file) break;
    off_t offset = ::lseek(file.get(), 0, SEEK_END);
    if (lines > 0) offset = last_lines(file.get(), lines);
    place = {std::move(file), offset};
    if (lines <= 0) break;
  }
  if (!place.file) return fail(Reason::kNotFound, "there is no log at " + path);
  return place;
}

class LogReader final : public container::Runtime::LogStream {
 public:
  LogReader(host::Loop& loop, LogSource source, const container::LogOptions& options,
            std::function<void(std::string_view)> chunk, container::DoneStatus done)
      : state_(std::make_shared<State>(loop, std::move(source), options, std::move(chunk),
                                       std::move(done))) {
    loop.run_blocking(
        [path = state_->source.path, tail = options.tail_lines] {
          return std::make_shared<Result<Place>>(find_start(path, tail));
        },
        [weak = std::weak_ptr(state_)](std::shared_ptr<Result<Place>> place) {
          const auto state = weak.lock();
          if (state && !state->source.owner.expired()) begin(state, std::move(*place));
        });
  }

 private:
  struct State {
    State(host::Loop& l, LogSource s, const container::LogOptions& o,
          std::function<void(std::string_view)> c, container::DoneStatus d)
        : loop(l),
          source(std::move(s)),
          options(o),
          formatter(o),
          chunk(std::move(c)),
          done(std::move(d)) {}
    host::Loop& loop;
    LogSource source;
    container::LogOptions options;
    LogFormatter formatter;
    std::function<void(std::string_view)> chunk;
    container::DoneStatus done;
    Place place;
    std::string pending;  // An incomplete line; writers write whole lines, so it is short-lived.
    std::int64_t sent_bytes = 0;
    env::TimerHandle timer;
  };
  using StatePtr = std::shared_ptr<State>;

  static void begin(const StatePtr& state, Result<Place> place) {
    if (!place) return state->done(std::unexpected(place.error()));
    state->place = std::move(place).value();
    step(state);
  }

  // Reads one slice. The state stays alive here even if a callback destroys the reader.
  static void step(const StatePtr& state) {
    // Asked before reading: what is written after that is still read.
    const bool complete = !state->options.follow || state->source.is_complete();
    char buffer[kSliceBytes];
    const ssize_t n = ::pread(state->place.file.get(), buffer, sizeof buffer, state->place.offset);
    if (n < 0) return state->done(fail_errno("reading " + state->source.path, errno));
    if (n > 0) {
      state->place.offset += n;
      if (emit(*state, {buffer, static_cast<std::size_t>(n)})) return state->done(Status{});
      return later(state, Duration{0});
    }
    if (open_next(*state)) return later(state, Duration{0});
    if (complete) return state->done(Status{});
    later(state, kPollInterval);
  }

  static void later(const StatePtr& state, Duration delay) {
    if (state.use_count() == 1) return;  // The reader is gone.
    state->timer = state->loop.after(delay, [weak = std::weak_ptr(state)] {
      const auto locked = weak.lock();
      if (locked && !locked->source.owner.expired()) step(locked);
    });
  }

  // True when the byte limit is reached.
  static bool emit(State& state, std::string_view text) {
    std::string out;
    state.pending += text;
    std::string_view rest = state.pending;
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
      state.formatter.add(rest.substr(0, end), out);
      rest.remove_prefix(end + 1);
    }
    state.pending = std::string(rest);
    const std::int64_t limit = state.options.limit_bytes;
    const bool enough = limit >= 0 && state.sent_bytes + std::ssize(out) >= limit;
    if (enough) out.resize(static_cast<std::size_t>(limit - state.sent_bytes));
    state.sent_bytes += std::ssize(out);
    if (!out.empty()) state.chunk(out);
    return enough;
  }

  // At the end of a file: the next younger one, if the log has been rotated since.
  static bool open_next(State& state) {
    struct stat own{}, other{};
    if (::fstat(state.place.file.get(), &own) != 0) return false;
    const int oldest = oldest_age(state.source.path);
    int age = 0;
    while (age <= oldest) {
      const std::string path = rotated_log_file(state.source.path, age);
      if (::stat(path.c_str(), &other) == 0 && other.st_ino == own.st_ino) break;
      ++age;
    }
    if (age == 0) return false;
    // Not found: rotated out of existence while it was read, so the oldest is next.
    host::Fd next = open_log(rotated_log_file(state.source.path, age - 1));
    if (!next) return false;
    // The writer may have added to the old file between the last read and the rotation.
    struct stat now{};
    if (::fstat(state.place.file.get(), &now) == 0 && now.st_size > state.place.offset) return true;
    state.place = {std::move(next), 0};
    return true;
  }

  StatePtr state_;
};

}  // namespace

LogFormatter::LogFormatter(const container::LogOptions& options) : timestamps_(options.timestamps) {
  if (!is_set(options.since)) return;
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  since_ = format_rfc3339(options.since);
  since_.pop_back();
  since_ += fmt::format(".{:09}Z", options.since.time_since_epoch().count() % kNanosPerSecond);
}

void LogFormatter::add(std::string_view line, std::string& out) {
  const std::size_t stream = line.find(' ');
  if (stream == std::string_view::npos) return;
  const std::size_t tag = line.find(' ', stream + 1);
  if (tag == std::string_view::npos || tag + 1 >= line.size()) return;
  const std::string_view time = line.substr(0, stream);
  if (!since_.empty() && time < since_) return;
  if (timestamps_ && !within_line_) {
    out += time;
    out += ' ';
  }
  const std::size_t text = std::min(tag + 3, line.size());
  out += line.substr(text);
  within_line_ = line[tag + 1] == 'P';
  if (!within_line_) out += '\n';
}

std::unique_ptr<container::Runtime::LogStream> read_log(host::Loop& loop, LogSource source,
                                                        container::LogOptions options,
                                                        std::function<void(std::string_view)> chunk,
                                                        container::DoneStatus done) {
  return std::make_unique<LogReader>(loop, std::move(source), options, std::move(chunk),
                                     std::move(done));
}

}  // namespace minato::linux_container
