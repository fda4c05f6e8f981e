// What opens the FdStreams of a Pod: a command in a container, whose streams the shim or the OCI
// runtime sends as descriptors, and a connection to a port in the Pod's network namespace. Private
// to linux_container. Loop thread only.
#pragma once

#include <memory>
#include <string>

#include "container/runtime.h"
#include "linux_container/fd_streams.h"
#include "linux_container/shim_link.h"

namespace minato::linux_container {

struct SessionPlace {
  host::Loop& loop;
  std::weak_ptr<ShimLink> link;
  std::string run_dir;              // Of the Pod.
  std::string socket;               // In `run_dir`; unique.
  std::string container;            // Its key.
};
Result<std::unique_ptr<container::Streams>> open_session(SessionPlace place,
                                                         container::CommandOptions options,
                                                         container::Streams::Events events);

Result<std::unique_ptr<container::Streams>> open_attach(SessionPlace place,
                                                        container::AttachOptions options,
                                                        container::Streams::Events events);

Result<std::unique_ptr<container::Streams>> connect_port(host::Loop& loop,
                                                         const std::string& netns_path,
                                                         std::uint16_t port,
                                                         container::Streams::Events events);

}  // namespace minato::linux_container
