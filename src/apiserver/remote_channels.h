// The numbered channels of exec and attach over what the client speaks: a WebSocket
// (v4/v5.channel.k8s.io) or the streams of a SPDY connection. Loop thread only.
// Rules: k8s.io/apimachinery pkg/util/remotecommand, k8s.io/client-go tools/remotecommand;
// KEP-4006.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "apiserver/call.h"

namespace minato::apiserver {

enum class Channel : std::uint8_t { kStdin, kStdout, kStderr, kError, kResize };
inline constexpr int kChannels = 5;

class RemoteChannels {
 public:
  struct Events {
    std::function<void()> ready;  // Every channel is there.
    std::function<void(Channel, std::string_view)> data;
    std::function<void(Channel)> ended;  // The client sends no more on it.
    std::function<void()> closed;        // The client has gone; nothing is called after it.
    std::function<void()> drained;
  };
  virtual ~RemoteChannels() = default;
  // No callback comes from inside this call but ready().
  virtual void start(Events events) = 0;
  virtual void send(Channel channel, std::string_view bytes) = 0;
  virtual std::size_t pending_bytes() const = 0;
  virtual void set_reading(Duplex::Reading reading) = 0;
  // Everything has been sent. Dropping the channels without it aborts.
  virtual void finish() = 0;
};

// Which of the channels a request is about, from its query.
struct WantedChannels {
  bool input = false, output = false, error = false, terminal = false;
};
WantedChannels wanted_channels(const Url& url);

// Takes the connection over. Null: the request has been answered with what is wrong with it.
std::unique_ptr<RemoteChannels> open_channels(const CallPtr& call, const WantedChannels& wanted);

bool wants_spdy(const HttpRequest& request);

}  // namespace minato::apiserver
