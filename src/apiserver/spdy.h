// SPDY/3.1 as a server, as far as Kubernetes' clients use it: streams that the client opens, with
// headers, data both ways and half-closing; no flow control, as in their own implementation.
// kubectl port-forward speaks it always (inside a WebSocket when it can), older clients for exec.
//
// Bytes in through receive(), bytes out through `send`. Input is untrusted: frames, headers and the
// number of streams are bounded; an error means that the connection must be dropped.
// Loop thread only. Rules: SPDY Protocol draft 3.1; github.com/moby/spdystream.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::apiserver {

class SpdySession {
 public:
  static constexpr std::size_t kMaxFrameBytes = 1 << 20;
  static constexpr std::size_t kMaxHeaderBytes = 64 << 10;
  static constexpr std::size_t kMaxStreams = 1'000;

  using StreamId = std::uint32_t;
  using HeaderMap = std::map<std::string, std::string>;  // Names in lower case.
  struct Events {
    std::function<void(std::string_view)> send;
    std::function<void(StreamId, const HeaderMap&)> opened;  // Has been accepted.
    std::function<void(StreamId, std::string_view)> data;
    std::function<void(StreamId)> input_ended;  // The client sends no more.
    std::function<void(StreamId)> reset;        // The client wants no more at all.
  };

  explicit SpdySession(Events events);
  ~SpdySession();
  SpdySession(const SpdySession&) = delete;
  SpdySession& operator=(const SpdySession&) = delete;

  Status receive(std::string_view bytes);
  void write(StreamId stream, std::string_view bytes);
  void finish(StreamId stream);  // We send no more.
  void reset(StreamId stream);

 private:
  class Headers;
  struct Stream {
    bool input_ended = false;
    bool output_ended = false;
  };
  Status control(std::uint16_t type, std::uint8_t flags, std::string_view body);
  Status open(std::uint8_t flags, std::string_view body);
  Status data(StreamId stream, std::uint8_t flags, std::string_view body);
  void end_input(StreamId stream);
  void forget_if_over(StreamId stream);

  Events events_;
  std::string buffer_;
  std::map<StreamId, Stream> streams_;
  StreamId newest_ = 0;
  std::unique_ptr<Headers> headers_;
};

}  // namespace minato::apiserver
