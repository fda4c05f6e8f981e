// WebSockets as a server: the handshake, frames, and a connection of messages over a Duplex.
//
// Input is untrusted: messages are bounded, and what breaks the protocol ends the connection.
// Loop thread only. Rules: RFC 6455.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/http.h"
#include "base/result.h"

namespace minato::apiserver {

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

struct WebSocketMessage {
  WebSocketOpcode opcode = WebSocketOpcode::kBinary;  // Never kContinuation.
  std::string payload;
};

// Cuts what a client sends into messages. After an error the connection must be dropped.
class WebSocketReader {
 public:
  static constexpr std::size_t kMaxMessageBytes = 4 << 20;
  void append(std::string_view bytes) { buffer_ += bytes; }
  // Nothing while the next message is incomplete. Errors: BadRequest.
  Result<std::optional<WebSocketMessage>> next();

 private:
  struct Frame;
  Result<std::optional<Frame>> next_frame();

  std::string buffer_;
  std::size_t read_ = 0;  // Of the buffer.
  std::optional<WebSocketMessage> partial_;
};

std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload);

bool wants_websocket(const HttpRequest& request);
// The subprotocols that the client offers, in its order.
std::vector<std::string> websocket_protocols(const HttpRequest& request);
// The headers of the 101 answer. Errors: BadRequest (no key, other version).
Result<Headers> websocket_answer(const HttpRequest& request, std::string_view protocol);

// Owned by who talks; shared with the callbacks of its Duplex. Dropping it aborts.
class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  explicit WebSocket(std::shared_ptr<Duplex> duplex) : duplex_(std::move(duplex)) {}
  // `on_message` gets data only; `on_close` is called once when the client ends it or breaks the
  // protocol.
  void start(std::function<void(std::string_view)> on_message, std::function<void()> on_close);
  void send(std::string_view payload);
  std::size_t pending_bytes() const { return duplex_ ? duplex_->pending_bytes() : 0; }
  void on_drained(std::function<void()> callback);
  void set_reading(Duplex::Reading reading);
  // Says goodbye and waits for the client's, so that nothing that was sent is lost to a reset.
  void close();
  void abort();

 private:
  void receive(std::string_view bytes);
  void gone();

  std::shared_ptr<Duplex> duplex_;  // Null when it is over.
  WebSocketReader reader_;
  std::function<void(std::string_view)> on_message_;
  std::function<void()> on_close_;
  bool closing_ = false;
};

}  // namespace minato::apiserver
