#include "linux_container/health_call.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <cstring>
#include <map>
#include <vector>

#include "linux_container/health_message.h"

namespace minato::linux_container {
namespace {

using container::HealthAnswer;
// A literal with its zeros.
template <std::size_t N>
std::string raw(const char (&literal)[N]) {
  return {literal, N - 1};
}

using Fields = std::vector<std::pair<std::string, std::string>>;

// The other side, by nghttp2: answers every call as it is told.
class FakeServer {
 public:
  Fields head{{":status", "200"}, {"content-type", "application/grpc"}};
  Fields trailers{{"grpc-status", "0"}};
  std::string body = raw("\0\0\0\0\2\x08\1");
  std::optional<std::uint32_t> reset;
  bool silent = false;

  FakeServer() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~FakeServer() { nghttp2_session_del(session_); }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  const std::map<std::string, std::string>& request() const { return request_; }
  const std::string& request_body() const { return request_body_; }

  // Passes bytes to and fro until there is an answer or nothing more to say.
  void serve(HealthCall& call) {
    while (!call.answer()) {
      const std::string asked = call.output();
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(asked.data()),
                               asked.size());
      const std::string said = output();
      if (asked.empty() && said.empty()) return;
      // Byte by byte: nothing may depend on how they arrive.
      for (const char byte : said) call.receive({&byte, 1});
    }
  }

 private:
  static FakeServer& of(void* self) { return *static_cast<FakeServer*>(self); }
  static std::vector<nghttp2_nv> fields(const Fields& from) {
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    std::vector<nghttp2_nv> out;
    for (const auto& [name, value] : from) {
      out.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    return out;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) {
    of(self).request_[{reinterpret_cast<const char*>(name), name_size}] = {
        reinterpret_cast<const char*>(value), value_size};
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes,
                     std::size_t size, void* self) {
    of(self).request_body_.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_DATA && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      of(self).respond(frame->hd.stream_id);
    }
    return 0;
  }
  void respond(std::int32_t stream) {
    if (silent) return;
    if (reset) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, *reset);
      return;
    }
    const auto first = fields(head);
    nghttp2_data_provider source{};
    source.source.ptr = this;
    source.read_callback = read_body;
    nghttp2_submit_response(session_, stream, first.data(), first.size(), &source);
  }
  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                           void*) {
    FakeServer& self = of(source->ptr);
    const std::size_t n = std::min(size, self.body.size());
    std::memcpy(buffer, self.body.data(), n);
    self.body.erase(0, n);
    if (self.body.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!self.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto last = fields(self.trailers);
        nghttp2_submit_trailer(session, stream, last.data(), last.size());
      }
    }
    return static_cast<ssize_t>(n);
  }
  std::string output() {
    std::string out;
    const std::uint8_t* bytes = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return out;
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::string, std::string> request_;
  std::string request_body_;
};

class HealthCallTest : public testing::Test {
 protected:
  HealthAnswer answer() {
    server_.serve(call_);
    if (!call_.answer()) return {.code = -1, .message = "no answer"};
    if (!*call_.answer()) return {.code = -2, .message = call_.answer()->error().message};
    return **call_.answer();
  }
  FakeServer server_;
  HealthCall call_{"10.0.0.1:9000", "shop", 1500ms};
};

TEST_F(HealthCallTest, AsksAsGrpcDoes) {
  EXPECT_EQ(answer().serving_status, HealthAnswer::kServing);
  EXPECT_EQ(server_.request().at(":method"), "POST");
  EXPECT_EQ(server_.request().at(":path"), "/grpc.health.v1.Health/Check");
  EXPECT_EQ(server_.request().at(":authority"), "10.0.0.1:9000");
  EXPECT_EQ(server_.request().at("te"), "trailers");
  EXPECT_EQ(server_.request().at("content-type"), "application/grpc");
  EXPECT_EQ(server_.request().at("grpc-timeout"), "1500m");
  EXPECT_EQ(server_.request_body(), raw("\0\0\0\0\6\x0a\4shop"));
}

TEST_F(HealthCallTest, NotServing) {
  server_.body = raw("\0\0\0\0\2\x08\2");
  EXPECT_EQ(answer().code, HealthAnswer::kOk);
  EXPECT_EQ(answer().serving_status, HealthAnswer::kNotServing);
}

TEST_F(HealthCallTest, EmptyMessageMeansUnknown) {
  server_.body = raw("\0\0\0\0\0");
  EXPECT_EQ(answer().code, HealthAnswer::kOk);
  EXPECT_EQ(answer().serving_status, HealthAnswer::kStatusUnknown);
}

TEST_F(HealthCallTest, StatusAndMessageOfAFailedCall) {
  server_.body.clear();
  server_.trailers = {{"grpc-status", "5"}, {"grpc-message", "unknown%20service %C3%BC%zz%4"}};
  EXPECT_EQ(answer().code, 5);
  EXPECT_EQ(answer().message, "unknown service \xc3\xbc%zz%4");
}

TEST_F(HealthCallTest, StatusMayComeWithTheHead) {
  server_.body.clear();
  server_.trailers.clear();
  server_.head.emplace_back("grpc-status", "12");
  EXPECT_EQ(answer().code, HealthAnswer::kUnimplemented);
}

TEST_F(HealthCallTest, PlainHttpAnswersAreMapped) {
  server_.head = {{":status", "404"}};
  server_.trailers.clear();
  EXPECT_EQ(answer().code, HealthAnswer::kUnimplemented);
  EXPECT_EQ(answer().message, "HTTP status 404 instead of a gRPC answer");
}

TEST_F(HealthCallTest, AnswerWithoutAStatusIsAnError) {
  server_.trailers.clear();
  EXPECT_EQ(answer().code, HealthAnswer::kInternal);
}

TEST_F(HealthCallTest, AnswerThatIsTooLongEndsTheCall) {
  server_.body = std::string(1 << 20, 'x');
  EXPECT_EQ(answer().code, HealthAnswer::kResourceExhausted);
}

TEST_F(HealthCallTest, ResetIsAnAnswer) {
  server_.reset = NGHTTP2_REFUSED_STREAM;
  EXPECT_EQ(answer().code, HealthAnswer::kUnavailable);
}

TEST_F(HealthCallTest, TimeAfterTheConnectionStandsIsACallsTime) {
  server_.silent = true;
  EXPECT_EQ(answer().code, -1);
  call_.time_is_up();
  EXPECT_EQ(answer().code, HealthAnswer::kDeadlineExceeded);
}

TEST_F(HealthCallTest, LossAfterTheConnectionStandsIsAnAnswer) {
  server_.silent = true;
  EXPECT_EQ(answer().code, -1);
  call_.lost("End of file");
  EXPECT_EQ(answer().code, HealthAnswer::kUnavailable);
}

TEST(HealthCallBeforeConnectionTest, TimeIsAConnectionsTime) {
  HealthCall call("10.0.0.1:9000", "", 1s);
  call.time_is_up();
  EXPECT_TRUE(failed_with(*call.answer(), Reason::kTimeout));
}

TEST(HealthCallBeforeConnectionTest, WhatIsNotHttp2IsRefused) {
  for (const std::string& said : {raw("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
                                  std::string(512 << 10, '\0'), raw("\x15\3\1\0\2\2\x46 alert")}) {
    HealthCall call("10.0.0.1:9000", "", 1s);
    (void)call.output();
    call.receive(said);
    (void)call.output();
    ASSERT_TRUE(call.answer());
    EXPECT_TRUE(failed_with(*call.answer(), Reason::kUnavailable));
  }
}

TEST(HealthMessageTest, UnknownFieldsArePassedOver) {
  const std::string message =
      raw("\x12\3abc\x19"
          "12345678\x25"
          "1234\x30\x80\1\x08\1");
  const std::string frame = raw("\0\0\0\0") + static_cast<char>(message.size()) + message;
  EXPECT_EQ(decode_health_response(frame), 1);
}

TEST(HealthMessageTest, StatusesOutsideTheEnumerationAreKept) {
  EXPECT_EQ(decode_health_response(raw("\0\0\0\0\3\x08\xac\2")), 300);
  EXPECT_EQ(decode_health_response(raw("\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")),
            -1);
}

TEST(HealthMessageTest, MalformedMessagesAreRefused) {
  for (const std::string& bytes : {
           raw(""), raw("\0\0\0\0"),         // No whole frame.
           raw("\1\0\0\0\2\x08\1"),          // Compressed.
           raw("\0\0\0\0\1\x08\1"),          // Longer than it says.
           raw("\0\xff\xff\xff\xff\x08\1"),  // Shorter than it says.
           raw("\0\0\0\0\1\x08"),            // No value.
           raw("\0\0\0\0\2\x08\x80"),        // A value without an end.
           raw("\0\0\0\0\2\0\1"),            // Field 0.
           raw("\0\0\0\0\2\x0b\x0c"),        // A group.
           raw("\0\0\0\0\3\x12\5x"),         // A string longer than the message.
           raw("\0\0\0\0\x0b\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),  // One as long as can be
                                                                           // said.
           raw("\0\0\0\0\3\x19"
               "12"),                                                          // A cut number.
           raw("\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),  // More than ten
                                                                               // bytes.
       }) {
    EXPECT_TRUE(failed_with(decode_health_response(bytes), Reason::kInvalid));
  }
}

TEST(HealthMessageTest, LongServiceNames) {
  const std::string name(300, 's');
  EXPECT_EQ(encode_health_request(name), raw("\0\0\0\1\x2f\x0a\xac\2") + name);
  EXPECT_EQ(encode_health_request(""), raw("\0\0\0\0\0"));
}

}  // namespace
}  // namespace minato::linux_container
