// Who reads what containers write, beside their logs: each on pipes of their own, inside the shim.
//
// A reader that does not keep up loses the rest, the container never waits for one: at most
// kMaxPendingBytes are kept for each. The shim's thread only; callbacks come from the PollLoop or
// from inside these calls.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "container/runtime.h"
#include "host/files.h"
#include "linux_container/log_writer.h"
#include "linux_container/poll_loop.h"

namespace minato::linux_container {

class Attachments {
 public:
  static constexpr std::size_t kMaxPendingBytes = 1 << 20;
  static constexpr std::size_t kMaxReaders = 24;
  using Done = container::Done<container::ExecResult>;

  explicit Attachments(PollLoop& loop) : loop_(loop) {}

  struct Reader {
    std::string key;  // Of the container.
    std::uint64_t owner = 0;
    host::Fd output, error;  // Non-blocking; without `error` all goes to `output`.
    Done done;               // 0: the container has ended.
  };
  // Named by the socket that its descriptors were sent to.
  void add(const std::string& socket, Reader reader);
  bool is_full() const { return readers_.size() >= kMaxReaders; }
  void write(const std::string& key, Stream stream, std::string_view text);
  // The container has ended: what waits is still written.
  void finish(const std::string& key);
  void remove(const std::string& socket) { end(socket, container::ExecResult{}); }
  void remove_of(std::uint64_t owner);

 private:
  struct Entry {
    Reader reader;
    std::string pending[2];
    bool finished = false;
  };
  static host::Fd& fd_of(Entry& entry, Stream stream);
  void push(const std::string& socket, Stream stream, std::string_view text);
  void drain(const std::string& socket, Stream stream);
  void end(const std::string& socket, Result<container::ExecResult> result);

  PollLoop& loop_;
  std::map<std::string, Entry> readers_;  // By socket.
};

}  // namespace minato::linux_container
