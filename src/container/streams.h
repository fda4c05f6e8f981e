// Bytes to and from something in a Pod while it goes on: a command with its standard streams, or a
// connection to a port. The interactive part of the runtime seam (container/runtime.h).
//
// Threading: loop thread only; no callback comes from inside a call. Ownership: whoever holds the
// Streams holds what they lead to: dropping them ends the command or the connection and calls
// nothing any more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::container {

class Streams {
 public:
  enum class Output { kStdout, kStderr };
  struct Events {
    std::function<void(Output, std::string_view)> output;
    std::function<void()> drained;  // What was written has been taken. May be empty.
    // Once, after all output: the exit code of a command, 0 for a connection that ended.
    std::move_only_function<void(Result<int>)> done;
  };

  virtual ~Streams() = default;
  // Never blocks and never refuses: whoever writes without end looks at pending_bytes().
  virtual void write(std::string_view bytes) = 0;
  virtual std::size_t pending_bytes() const = 0;
  virtual void close_input() = 0;  // What is pending still arrives.
  // Of a terminal; does nothing without one.
  virtual void resize(std::uint16_t columns, std::uint16_t rows) = 0;
  enum class Reading { kGo, kPause };
  virtual void set_reading(Reading reading) = 0;
};

struct CommandOptions {
  std::vector<std::string> command;
  bool terminal = false;  // One stream for all: output is kStdout.
  bool input = false;     // Without: the command reads from nothing.
};

struct AttachOptions {
  bool terminal = false;  // As the container has it.
  bool input = false;
};

}  // namespace minato::container
