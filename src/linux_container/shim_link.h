// One Pod's shim as the Runtime sees it: requests with answers, events, and its end.
//
// Owned by the Runtime, one per Pod. Loop thread only; callbacks never come from inside a call and
// stop when the link is destroyed, which does not end the shim. A lost connection is made again as
// long as the shim lives; requests that were outstanding then fail with Unavailable.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>

#include "container/runtime.h"
#include "host/loop.h"
#include "linux_container/layout.h"

namespace minato::linux_container {

class ShimLink {
 public:
  struct Callbacks {
    // Every change of a container; and the state of all of them after each connection, since what
    // changed while there was none was told to nobody.
    std::function<void(const container::Container&)> on_event;
    // The shim has ended, and with it every container of the Pod. Last callback.
    std::function<void()> on_end;
  };
  // NotFound when no shim of this Pod lives.
  static Result<std::unique_ptr<ShimLink>> connect(host::Loop& loop, const PodPaths& paths,
                                                   Callbacks callbacks);
  ~ShimLink();
  ShimLink(const ShimLink&) = delete;
  ShimLink& operator=(const ShimLink&) = delete;

  // The answer's object, or its error. Fails with Timeout when no answer comes in time.
  void call(boost::json::object request, Duration timeout,
            container::Done<boost::json::object> done);
  // SIGKILL; on_end follows when everything in the Pod is dead.
  void kill();

 private:
  class Connection;
  explicit ShimLink(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

}  // namespace minato::linux_container
