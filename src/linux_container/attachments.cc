#include "linux_container/attachments.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace minato::linux_container {

host::Fd& Attachments::fd_of(Entry& entry, Stream stream) {
  return stream == Stream::kStderr && entry.reader.error ? entry.reader.error
                                                         : entry.reader.output;
}

void Attachments::add(const std::string& socket, Reader reader) {
  readers_[socket].reader = std::move(reader);
}

void Attachments::write(const std::string& key, Stream stream, std::string_view text) {
  std::vector<std::string> sockets;  // A reader may go meanwhile.
  for (const auto& [socket, entry] : readers_) {
    if (entry.reader.key == key) sockets.push_back(socket);
  }
  for (const std::string& socket : sockets) push(socket, stream, text);
}

void Attachments::push(const std::string& socket, Stream stream, std::string_view text) {
  Entry& entry = readers_.at(socket);
  const bool separate = stream == Stream::kStderr && entry.reader.error;
  const Stream to = separate ? Stream::kStderr : Stream::kStdout;
  std::string& pending = entry.pending[static_cast<int>(to)];
  const bool waits = !pending.empty();
  pending += text;
  if (pending.size() > kMaxPendingBytes) {
    return end(socket, fail(Reason::kTooManyRequests, "the reader did not keep up with the output"));
  }
  if (!waits) drain(socket, to);
}

void Attachments::drain(const std::string& socket, Stream stream) {
  Entry& entry = readers_.at(socket);
  const int fd = fd_of(entry, stream).get();
  std::string& pending = entry.pending[static_cast<int>(stream)];
  while (!pending.empty()) {
    const ssize_t n = ::write(fd, pending.data(), pending.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      return loop_.watch(fd, POLLOUT, [this, socket, stream](short) { drain(socket, stream); });
    }
    if (n < 0) return end(socket, container::ExecResult{});  // Nobody reads any more.
    pending.erase(0, static_cast<std::size_t>(n));
  }
  loop_.unwatch(fd);
  if (entry.finished && entry.pending[0].empty() && entry.pending[1].empty()) {
    end(socket, container::ExecResult{});
  }
}

void Attachments::finish(const std::string& key) {
  std::vector<std::string> idle;
  for (auto& [socket, entry] : readers_) {
    if (entry.reader.key != key) continue;
    entry.finished = true;
    if (entry.pending[0].empty() && entry.pending[1].empty()) idle.push_back(socket);
  }
  for (const std::string& socket : idle) end(socket, container::ExecResult{});
}

void Attachments::remove_of(std::uint64_t owner) {
  std::vector<std::string> sockets;
  for (const auto& [socket, entry] : readers_) {
    if (entry.reader.owner == owner) sockets.push_back(socket);
  }
  for (const std::string& socket : sockets) remove(socket);
}

void Attachments::end(const std::string& socket, Result<container::ExecResult> result) {
  auto node = readers_.extract(socket);
  if (node.empty()) return;
  Reader& reader = node.mapped().reader;
  for (const host::Fd* fd : {&reader.output, &reader.error}) {
    if (*fd) loop_.unwatch(fd->get());
  }
  auto done = std::move(reader.done);
  node = {};  // Closed before anybody is told: the end of the output comes first.
  done(std::move(result));
}

}  // namespace minato::linux_container
