#include "apiserver/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minato::apiserver {
namespace {

// As a client sends it: masked.
std::string masked(int first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xFF);
  }
  const std::string mask = "\x11\x22\x33\x44";
  out += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return out;
}

constexpr int kFinBinary = 0x82, kBinary = 0x02, kFinContinuation = 0x80, kFinPing = 0x89;

TEST(WebSocketTest, MessagesComeWholeHoweverTheyAreCut) {
  const std::string large(1000, 'l');
  const std::string sent = masked(kFinBinary, "one") + masked(kBinary, "tw") +
                           masked(kFinPing, "p") + masked(kFinContinuation, "o") +
                           masked(kFinBinary, large);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, sent.size()}) {
    WebSocketReader reader;
    std::vector<std::string> payloads;
    for (std::size_t at = 0; at < sent.size(); at += step) {
      reader.append(std::string_view(sent).substr(at, step));
      for (auto next = reader.next(); next && *next; next = reader.next()) {
        payloads.push_back((*next)->payload);
      }
    }
    EXPECT_THAT(payloads, testing::ElementsAre("one", "p", "two", large));
  }
}

TEST(WebSocketTest, WhatBreaksTheProtocolIsRefused) {
  const auto refused = [](std::string_view bytes) {
    WebSocketReader reader;
    reader.append(bytes);
    return !reader.next().has_value();
  };
  EXPECT_TRUE(refused(std::string_view("\x82\x01x", 3))) << "not masked";
  EXPECT_TRUE(refused(masked(0xC2, "x"))) << "reserved bit";
  EXPECT_TRUE(refused(masked(kFinContinuation, "x"))) << "nothing to continue";
  EXPECT_TRUE(refused(masked(kBinary, "x") + masked(kFinBinary, "y"))) << "not continued";
  EXPECT_TRUE(refused(masked(kFinPing, std::string(126, 'x')))) << "too large for control";
  EXPECT_TRUE(refused(std::string("\x82\xFF\0\0\0\0\xFF\0\0\0mask", 14))) << "too large";
}

TEST(WebSocketTest, TheHandshakeIsThatOfTheStandard) {
  HttpRequest request;
  request.headers = {{"Connection", "keep-alive, Upgrade"},
                     {"Upgrade", "websocket"},
                     {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                     {"Sec-WebSocket-Protocol", "a, b"}};
  EXPECT_TRUE(wants_websocket(request));
  EXPECT_THAT(websocket_protocols(request), testing::ElementsAre("a", "b"));
  const auto answer = websocket_answer(request, "b");
  ASSERT_TRUE(answer);
  EXPECT_THAT(*answer, testing::Contains(testing::Pair("Sec-WebSocket-Accept",
                                                       "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
  request.headers.pop_back();
  request.headers.pop_back();
  EXPECT_FALSE(websocket_answer(request, "b"));
}

}  // namespace
}  // namespace minato::apiserver
