#include "linux_container/health_call.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "base/check.h"
#include "base/strings.h"
#include "linux_container/health_message.h"

namespace minato::linux_container {
namespace {

using container::HealthAnswer;

constexpr const char* kPath = "/grpc.health.v1.Health/Check";
constexpr std::size_t kMaxBodyBytes = 4 << 10;     // The message has two bytes.
constexpr std::size_t kMaxMessageBytes = 1 << 10;  // Of grpc-message; it ends up in an Event.
constexpr std::size_t kMaxReceivedBytes = 256 << 10;
constexpr int kHttpOk = 200;
constexpr Duration kLongestTimeout = 99'999'999ms;  // What grpc-timeout holds.

HealthAnswer refused(int code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// Of an answer that is no gRPC.
int code_of_http(int status) {
  switch (status) {
    case 400: return HealthAnswer::kInternal;
    case 401: return HealthAnswer::kUnauthenticated;
    case 403: return HealthAnswer::kPermissionDenied;
    case 404: return HealthAnswer::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return HealthAnswer::kUnavailable;
    default: return HealthAnswer::kUnknown;
  }
}

int code_of_reset(std::uint32_t error) {
  switch (error) {
    case NGHTTP2_REFUSED_STREAM: return HealthAnswer::kUnavailable;
    case NGHTTP2_CANCEL: return HealthAnswer::kCancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM: return HealthAnswer::kResourceExhausted;
    case NGHTTP2_INADEQUATE_SECURITY: return HealthAnswer::kPermissionDenied;
    default: return HealthAnswer::kInternal;
  }
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 copies both and changes neither.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

class HealthCall::Session {
 public:
  Session(const std::string& authority, std::string_view service, Duration timeout)
      : request_(encode_health_request(service)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0, "nghttp2: out of memory");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    const int made = nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    CHECK(made == 0, "nghttp2: {}", nghttp2_strerror(made));
    submit(authority, timeout);
  }
  ~Session() { nghttp2_session_del(session_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::string output() {
    std::string out;
    const std::uint8_t* bytes = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
      out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    if (size < 0) lost(nghttp2_strerror(static_cast<int>(size)));
    // A broken rule of HTTP/2 shows here: the session has said GOAWAY and listens no more.
    if (nghttp2_session_want_read(session_) == 0)
      lost("the server does not speak HTTP/2 as it should");
    return out;
  }

  void receive(std::string_view bytes) {
    if (answer_) return;
    received_bytes_ += bytes.size();
    if (received_bytes_ > kMaxReceivedBytes)
      return lost("too much was sent for so small an answer");
    const ssize_t taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) lost(nghttp2_strerror(static_cast<int>(taken)));
  }

  void lost(const std::string& why) {
    if (established_) return settle(refused(HealthAnswer::kUnavailable, why));
    settle(fail(Reason::kUnavailable, why));
  }

  void time_is_up() {
    if (established_) return settle(refused(HealthAnswer::kDeadlineExceeded, "no answer in time"));
    settle(fail(Reason::kTimeout, "no HTTP/2 connection in time"));
  }

  const std::optional<Answer>& answer() const { return answer_; }

 private:
  static Session& of(void* self) { return *static_cast<Session*>(self); }

  void submit(const std::string& authority, Duration timeout) {
    const std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    int status =
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    CHECK(status == 0, "nghttp2: {}", nghttp2_strerror(status));
    const auto limit =
        std::chrono::floor<std::chrono::milliseconds>(std::min(timeout, kLongestTimeout));
    const std::string limit_text = fmt::format("{}m", limit.count());
    const std::array head{field(":method", "POST"),
                          field(":scheme", "http"),
                          field(":path", kPath),
                          field(":authority", authority),
                          field("te", "trailers"),
                          field("content-type", "application/grpc"),
                          field("user-agent", "kube-probe/1.32"),
                          field("grpc-timeout", limit_text)};
    nghttp2_data_provider body{};
    body.source.ptr = this;
    body.read_callback = read_request;
    stream_ = nghttp2_submit_request(session_, nullptr, head.data(), head.size(), &body, nullptr);
    CHECK(stream_ > 0, "nghttp2: {}", nghttp2_strerror(stream_));
  }

  static ssize_t read_request(nghttp2_session*, std::int32_t, std::uint8_t* buffer,
                              std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                              void*) {
    Session& self = of(source->ptr);
    const std::size_t n = std::min(size, self.request_.size() - self.sent_);
    std::memcpy(buffer, self.request_.data() + self.sent_, n);
    self.sent_ += n;
    if (self.sent_ == self.request_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* self) {
    if (frame->hd.stream_id != of(self).stream_) return 0;
    of(self).header({reinterpret_cast<const char*>(name), name_size},
                    {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }

  void header(std::string_view name, std::string_view value) {
    const auto number = [&](int fallback) {
      return static_cast<int>(
          std::clamp<std::int64_t>(parse_int(value).value_or(fallback), 0, 999));
    };
    if (name == ":status") http_status_ = number(0);
    if (name == "grpc-status") grpc_status_ = number(HealthAnswer::kUnknown);
    if (name == "content-type") is_grpc_ = value.starts_with("application/grpc");
    if (name == "grpc-message") grpc_message_ = decode_percent(value.substr(0, kMaxMessageBytes));
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* self) {
    Session& call = of(self);
    if (stream != call.stream_) return 0;
    if (size > kMaxBodyBytes - call.body_.size()) {
      call.settle(refused(HealthAnswer::kResourceExhausted,
                          fmt::format("the answer is longer than {} bytes", kMaxBodyBytes)));
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    call.body_.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    Session& call = of(self);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      call.established_ = true;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id < call.stream_) {
      call.lost("the server goes away");
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t error,
                             void* self) {
    if (stream == of(self).stream_) of(self).closed(error);
    return 0;
  }

  void closed(std::uint32_t error) {
    // A server may reset what it has answered in full.
    if (error != NGHTTP2_NO_ERROR && !grpc_status_) {
      return settle(refused(code_of_reset(error), fmt::format("the server ended the call: {}",
                                                              nghttp2_http2_strerror(error))));
    }
    if (http_status_ != kHttpOk || !is_grpc_) {
      return settle(refused(code_of_http(http_status_),
                            fmt::format("HTTP status {} instead of a gRPC answer", http_status_)));
    }
    if (!grpc_status_)
      return settle(refused(HealthAnswer::kInternal, "an answer without grpc-status"));
    if (*grpc_status_ != HealthAnswer::kOk) return settle(refused(*grpc_status_, grpc_message_));
    const Result<int> status = decode_health_response(body_);
    if (!status) return settle(refused(HealthAnswer::kInternal, status.error().message));
    settle(HealthAnswer{.code = HealthAnswer::kOk, .message = {}, .serving_status = *status});
  }

  void settle(Answer answer) {
    if (!answer_) answer_ = std::move(answer);
  }

  nghttp2_session* session_ = nullptr;
  std::string request_;
  std::size_t sent_ = 0;
  std::int32_t stream_ = 0;
  bool established_ = false;
  std::size_t received_bytes_ = 0;
  int http_status_ = 0;
  bool is_grpc_ = false;
  std::optional<int> grpc_status_;
  std::string grpc_message_;
  std::string body_;
  std::optional<Answer> answer_;
};

HealthCall::HealthCall(const std::string& authority, std::string_view service, Duration timeout)
    : session_(std::make_unique<Session>(authority, service, timeout)) {}

HealthCall::~HealthCall() = default;

std::string HealthCall::output() { return session_->output(); }

void HealthCall::receive(std::string_view bytes) { session_->receive(bytes); }

void HealthCall::lost(const std::string& why) { session_->lost(why); }

void HealthCall::time_is_up() { session_->time_is_up(); }

const std::optional<HealthCall::Answer>& HealthCall::answer() const { return session_->answer(); }

}  // namespace minato::linux_container
