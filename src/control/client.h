// The asking end of the control socket: blocking, for commands.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <string>

#include "control/protocol.h"

namespace minato::control {

class Client {
 public:
  explicit Client(std::string path) : path_(std::move(path)) {}

  static bool is_answering(const std::string& path);

  // Calls `data` for each line of the answer, then returns its end. `data` may return false to stop
  // early (success). Errors: Unavailable when nobody answers, Aborted when the answer breaks off.
  Status call(const Request& request,
              const std::function<bool(const boost::json::value& data)>& data) const;
  // For verbs that answer with one value.
  Result<boost::json::value> ask(const Request& request) const;

 private:
  std::string path_;
};

}  // namespace minato::control
