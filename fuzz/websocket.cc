// WebSocket frames of a client, in pieces: the first byte says how large those are.
#include "apiserver/websocket.h"
#include "fuzz/input.h"

namespace minato {

void fuzz_one(std::string_view input) {
  if (input.empty()) return;
  const std::size_t piece = static_cast<std::uint8_t>(input.front()) + 1u;
  input.remove_prefix(1);
  apiserver::WebSocketReader reader;
  while (!input.empty()) {
    reader.append(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    for (;;) {
      const auto message = reader.next();
      if (!message) return;
      if (!*message) break;
      CHECK((*message)->opcode != apiserver::WebSocketOpcode::kContinuation, "messages are whole");
    }
  }
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
