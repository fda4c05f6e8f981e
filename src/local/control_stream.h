// The asking end of the control socket on the loop: one request, and every line of its answer as it
// comes. Commands that only wait use control::Client.
//
// Destroying it closes the connection; nothing is called afterwards. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/protocol.h"
#include "host/loop.h"

namespace minato::local {

class ControlStream {
 public:
  // `line` gets each line; the last one, or the error that ended the answer, has `last` set.
  using LineSink = std::function<void(const control::Line&)>;
  ControlStream(host::Loop& loop, const std::string& path, const control::Request& request, LineSink line);
  ~ControlStream();

 private:
  class Connection;
  std::shared_ptr<Connection> connection_;
};

// The process that serves a control socket. Errors: Unavailable when none does.
Result<int> control_process(const std::string& path);

}  // namespace minato::local
