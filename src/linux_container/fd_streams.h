// container::Streams over descriptors: the pipes or the terminal of a command, or a socket. They
// may come later than what is written to them. Private to linux_container. Loop thread only.
//
// A command that has ended may leave a process behind that holds its output open: what comes
// within kLastWords of silence still counts, then it is over.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "container/streams.h"
#include "host/files.h"
#include "host/loop.h"

namespace minato::linux_container {

class FdStreams : public std::enable_shared_from_this<FdStreams> {
 public:
  using Events = container::Streams::Events;
  using Output = container::Streams::Output;
  using Reading = container::Streams::Reading;
  enum class Kind { kCommand, kTerminal, kSocket };

  FdStreams(host::Loop& loop, Kind kind, Events events);

  void set_events(Events events) { events_ = std::move(events); }
  // Each may be absent. Of a terminal, `input` is the terminal itself; of a socket, a duplicate of
  // `output`.
  struct Ends {
    host::Fd input, output, error;
  };
  void open(Ends ends);
  // The exit code is known, or why there is none; done() follows when the output has ended.
  void finish(Result<int> result);
  // Nothing is called any more.
  void close();

  void write(std::string_view bytes);
  std::size_t pending_bytes() const { return waiting_.size() + writing_.size(); }
  void close_input();
  void resize(std::uint16_t columns, std::uint16_t rows);
  void set_reading(Reading reading);
  // Shown to the client like what the command itself says.
  void say(Output output, std::string_view text);
  const std::string& first_error() const { return first_error_; }
  bool is_open() const { return !closed_; }

 private:
  static constexpr Duration kLastWords = 500ms;
  struct Reader {
    Reader(host::Loop& loop, Output which) : fd(loop.io()), output(which) {}
    boost::asio::posix::stream_descriptor fd;
    Output output;
    bool reading = false;
    char buffer[32 << 10];
  };

  void read(Reader& reader);
  void write_more();
  void end_input();
  void maybe_done();
  void listen_for_last_words();

  host::Loop& loop_;
  const Kind kind_;
  Events events_;
  boost::asio::posix::stream_descriptor in_;
  Reader out_, err_;
  std::string waiting_, writing_, first_error_;
  bool opened_ = false, closed_ = false, input_ended_ = false, paused_ = false, heard_ = false;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> size_;
  std::optional<Result<int>> result_;
  env::TimerHandle last_words_;
};

}  // namespace minato::linux_container
