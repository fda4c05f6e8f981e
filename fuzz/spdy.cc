// SPDY frames of a client, in pieces: the first byte says how large those are.
#include "apiserver/spdy.h"
#include "fuzz/input.h"

namespace minato {

void fuzz_one(std::string_view input) {
  if (input.empty()) return;
  const std::size_t piece = static_cast<std::uint8_t>(input.front()) + 1u;
  input.remove_prefix(1);
  apiserver::SpdySession* session = nullptr;
  apiserver::SpdySession made(
      {.send = [](std::string_view) {},
       .opened = [](auto, const auto&) {},
       .data = [&](auto stream, std::string_view bytes) { session->write(stream, bytes); },
       .input_ended = [&](auto stream) { session->finish(stream); },
       .reset = [](auto) {}});
  session = &made;
  while (!input.empty()) {
    if (!made.receive(input.substr(0, piece))) return;
    input.remove_prefix(std::min(piece, input.size()));
  }
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
