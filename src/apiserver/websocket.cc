#include "apiserver/websocket.h"

#include <openssl/sha.h>

#include "base/strings.h"
#include "kube/base64.h"

namespace minato::apiserver {
namespace {

constexpr std::string_view kHandshake = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kMaxControlBytes = 125;

bool has_token(std::string_view header, std::string_view wanted) {
  for (const std::string& part : split(header, ',')) {
    if (to_lower(trim(part)) == wanted) return true;
  }
  return false;
}

std::uint64_t number_at(std::string_view bytes, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < size; ++i) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

bool is_control(WebSocketOpcode opcode) { return static_cast<int>(opcode) >= 8; }

}  // namespace

struct WebSocketReader::Frame {
  WebSocketOpcode opcode{};
  bool last = false;
  std::string payload;
};

Result<std::optional<WebSocketReader::Frame>> WebSocketReader::next_frame() {
  const std::string_view rest = std::string_view(buffer_).substr(read_);
  if (rest.size() < 2) return std::nullopt;
  const auto first = static_cast<unsigned char>(rest[0]);
  const auto second = static_cast<unsigned char>(rest[1]);
  Frame out{static_cast<WebSocketOpcode>(first & 0x0F), (first & 0x80) != 0, {}};
  if ((first & 0x70) != 0) return fail(Reason::kBadRequest, "WebSocket: reserved bits are set");
  if ((second & 0x80) == 0) return fail(Reason::kBadRequest, "WebSocket: a frame is not masked");
  const std::size_t code = second & 0x7F;
  const std::size_t length_bytes = code == 126 ? 2 : code == 127 ? 8 : 0;
  const std::size_t head = 2 + length_bytes + 4;
  if (rest.size() < head) return std::nullopt;
  const std::uint64_t size = length_bytes == 0 ? code : number_at(rest.substr(2), length_bytes);
  const std::size_t limit = is_control(out.opcode) ? kMaxControlBytes : kMaxMessageBytes;
  if (size > limit || (is_control(out.opcode) && !out.last)) {
    return fail(Reason::kBadRequest, "WebSocket: a frame is too large");
  }
  if (rest.size() < head + size) return std::nullopt;
  const std::string_view mask = rest.substr(head - 4, 4);
  out.payload = rest.substr(head, size);
  for (std::size_t i = 0; i < out.payload.size(); ++i) {
    out.payload[i] = static_cast<char>(out.payload[i] ^ mask[i % 4]);
  }
  read_ += head + size;
  if (read_ == buffer_.size() || read_ > kMaxMessageBytes) {
    buffer_.erase(0, read_);
    read_ = 0;
  }
  return out;
}

Result<std::optional<WebSocketMessage>> WebSocketReader::next() {
  while (true) {
    ASSIGN_OR_RETURN(auto frame, next_frame());
    if (!frame) return std::nullopt;
    if (is_control(frame->opcode))
      return WebSocketMessage{frame->opcode, std::move(frame->payload)};
    if ((frame->opcode == WebSocketOpcode::kContinuation) != partial_.has_value()) {
      return fail(Reason::kBadRequest, "WebSocket: a fragment is out of place");
    }
    if (!partial_) partial_.emplace(frame->opcode, std::string());
    partial_->payload += frame->payload;
    if (partial_->payload.size() > kMaxMessageBytes) {
      return fail(Reason::kBadRequest, "WebSocket: a message is too large");
    }
    if (frame->last) return std::exchange(partial_, std::nullopt);
  }
}

std::string websocket_frame(WebSocketOpcode opcode, std::string_view payload) {
  std::string out(1, static_cast<char>(0x80 | static_cast<int>(opcode)));
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  out += static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (int shift = (length_bytes - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(size >> shift & 0xFF);
  }
  return out.append(payload);
}

bool wants_websocket(const HttpRequest& request) {
  return has_token(request.header("Connection"), "upgrade") &&
         has_token(request.header("Upgrade"), "websocket");
}

std::vector<std::string> websocket_protocols(const HttpRequest& request) {
  std::vector<std::string> out;
  for (const auto& [name, value] : request.headers) {
    if (to_lower(name) != "sec-websocket-protocol") continue;
    for (const std::string& part : split(value, ',')) out.emplace_back(trim(part));
  }
  return out;
}

Result<Headers> websocket_answer(const HttpRequest& request, std::string_view protocol) {
  const std::string key(request.header("Sec-WebSocket-Key"));
  if (key.empty() || request.header("Sec-WebSocket-Version") != "13") {
    return fail(Reason::kBadRequest, "a WebSocket needs Sec-WebSocket-Key and version 13");
  }
  const std::string text = key + std::string(kHandshake);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  const std::string accept =
      kube::base64_encode({reinterpret_cast<const char*>(digest), sizeof digest});
  return Headers{{"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Accept", accept},
                 {"Sec-WebSocket-Protocol", std::string(protocol)}};
}

void WebSocket::start(std::function<void(std::string_view)> on_message,
                      std::function<void()> on_close) {
  on_message_ = std::move(on_message);
  on_close_ = std::move(on_close);
  // The Duplex keeps us for as long as the connection lives.
  duplex_->on_close([self = shared_from_this()] { self->gone(); });
  duplex_->on_data([weak = weak_from_this()](std::string_view bytes) {
    if (const auto self = weak.lock()) self->receive(bytes);
  });
}

void WebSocket::receive(std::string_view bytes) {
  const auto self = shared_from_this();
  reader_.append(bytes);
  while (duplex_) {
    auto message = reader_.next();
    if (!message) return gone();
    if (!*message) return;
    switch ((*message)->opcode) {
      case WebSocketOpcode::kText:
      case WebSocketOpcode::kBinary:
        if (!closing_ && on_message_) on_message_((*message)->payload);
        break;
      case WebSocketOpcode::kPing:
        duplex_->write(websocket_frame(WebSocketOpcode::kPong, (*message)->payload));
        break;
      case WebSocketOpcode::kClose:
        if (!closing_) {
          duplex_->write(websocket_frame(WebSocketOpcode::kClose,
                                         std::string_view((*message)->payload).substr(0, 2)));
        }
        return gone();
      default:
        break;
    }
  }
}

void WebSocket::gone() {
  const auto self = shared_from_this();
  if (const auto duplex = std::exchange(duplex_, nullptr)) {
    duplex->on_close(nullptr);
    duplex->end();
  }
  on_message_ = nullptr;
  if (const auto callback = std::exchange(on_close_, nullptr)) callback();
}

void WebSocket::send(std::string_view payload) {
  if (duplex_ && !closing_) duplex_->write(websocket_frame(WebSocketOpcode::kBinary, payload));
}

void WebSocket::on_drained(std::function<void()> callback) {
  if (duplex_) duplex_->on_drained(std::move(callback));
}

void WebSocket::set_reading(Duplex::Reading reading) {
  if (duplex_) duplex_->set_reading(reading);
}

void WebSocket::close() {
  constexpr std::string_view kNormal("\x03\xe8", 2);  // 1000
  if (!duplex_ || std::exchange(closing_, true)) return;
  on_close_ = nullptr;
  duplex_->set_reading(Duplex::Reading::kGo);
  duplex_->write(websocket_frame(WebSocketOpcode::kClose, kNormal));
}

void WebSocket::abort() {
  on_close_ = nullptr;
  if (const auto duplex = std::exchange(duplex_, nullptr)) duplex->abort();
}

}  // namespace minato::apiserver
