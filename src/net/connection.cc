#include "net/connection.h"

#include <fmt/format.h>
#include <openssl/x509.h>

#include "net/exchange.h"

namespace minato::net {
namespace http = boost::beast::http;

namespace {

constexpr std::size_t kReadBytes = 8 << 10;
constexpr MonoTime kNever = MonoTime::max();
constexpr std::size_t kMaxUpgradedBytes = 1 << 20;

std::string text_of(const ASN1_STRING* data) {
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, data);
  if (size < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

std::vector<std::string> names_of(const X509_NAME* subject, int kind) {
  std::vector<std::string> out;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, kind, at)) >= 0;) {
    out.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  return out;
}

std::string_view phrase(int status) {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

// A value with a line break in it would be another header.
bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!is_clean(name) || !is_clean(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_headers(std::string& out, const apiserver::Headers& headers) {
  for (const auto& [name, value] : headers) append_header(out, name, value);
}

}  // namespace

HttpsServer::Connection::Connection(HttpsServer& server, IoThreadPtr thread,
                                    IoThread::Socket socket)
    : thread_(std::move(thread)),
      loop_(server.loop_),
      limits_(server.options_.limits),
      prepare_(server.options_.prepare),
      server_(&server),
      stream_(std::move(socket), *server.tls_) {
  expect_within(limits_.handshake);
}

// The inner side: of the loop thread.

void HttpsServer::Connection::start() {
  thread_->post([self = shared_from_this()] {
    boost::system::error_code ignored;
    self->stream_.next_layer().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    self->stream_.async_handshake(boost::asio::ssl::stream_base::server,
                                  [self](const ErrorCode& error) { self->on_handshake(error); });
  });
}

void HttpsServer::Connection::drain() {
  thread_->post([self = shared_from_this()] { self->stop_idle(); });
}

void HttpsServer::Connection::close() {
  HttpsServer* server = std::exchange(server_, nullptr);
  if (server == nullptr) return;
  on_drained_ = nullptr;
  on_data_ = nullptr;
  const auto self = shared_from_this();
  thread_->post([self] { self->shut(); });
  server->closed(self);
  if (auto callback = std::exchange(on_close_, nullptr)) callback();
}

void HttpsServer::Connection::on_request(apiserver::HttpRequest request) {
  server_->handler_(std::move(request), std::make_shared<ExchangeOnConnection>(shared_from_this()));
}

void HttpsServer::Connection::begin_answer(apiserver::HttpAnswer answer, Body body) {
  if (server_ == nullptr) return;
  server_->deliver(shared_from_this(), [this, answer = std::move(answer), body] {
    put_answer(answer, body);
  });
}

void HttpsServer::Connection::begin_upgrade(apiserver::Headers headers) {
  if (server_ == nullptr) return;
  server_->deliver(shared_from_this(),
                   [this, headers = std::move(headers)] { put_upgrade(headers); });
}

void HttpsServer::Connection::write(std::string_view bytes) {
  if (server_ == nullptr || bytes.empty()) return;
  unsent_ += bytes.size();
  server_->deliver(shared_from_this(),
                   [this, bytes = std::string(bytes)] { put_payload(bytes); });
}

void HttpsServer::Connection::finish_answer() {
  if (server_ == nullptr) return;
  on_close_ = nullptr;
  on_data_ = nullptr;
  on_drained(nullptr);
  server_->deliver(shared_from_this(), [this] { put_end(); });
}

void HttpsServer::Connection::on_close(std::function<void()> callback) {
  if (server_ != nullptr) on_close_ = std::move(callback);
}

void HttpsServer::Connection::on_drained(std::function<void()> callback) {
  if (server_ == nullptr) return;
  on_drained_ = std::move(callback);
  wants_drained_ = on_drained_ != nullptr;
}

void HttpsServer::Connection::drained() {
  // The callback may end the stream and with it forget itself.
  const auto callback = on_drained_;
  if (callback && unsent_ == 0) callback();
}

void HttpsServer::Connection::on_data(std::function<void(std::string_view)> callback) {
  if (server_ == nullptr) return;
  on_data_ = std::move(callback);
  if (!on_data_ || early_.empty()) return;
  // What came along with the request, in a turn of its own.
  loop_.post([self = shared_from_this()] {
    if (self->server_ != nullptr && self->on_data_) self->hand_on(std::exchange(self->early_, {}));
  });
}

// The next read begins when this one has been looked at: who is slow is not overrun.
void HttpsServer::Connection::take(std::string bytes) {
  if (on_data_ && early_.empty()) {
    hand_on(bytes);
  } else {
    early_ += bytes;
    if (early_.size() > kMaxUpgradedBytes) return close();
  }
  if (server_ == nullptr) return;
  if (paused_) {
    held_ = true;
  } else {
    thread_->post([self = shared_from_this()] { self->read_more(); });
  }
}

void HttpsServer::Connection::hand_on(const std::string& bytes) {
  if (bytes.empty()) return;
  // The callback may close the connection and with it forget itself.
  const auto callback = on_data_;
  callback(bytes);
}

void HttpsServer::Connection::set_reading(apiserver::Duplex::Reading reading) {
  paused_ = reading == apiserver::Duplex::Reading::kPause;
  if (paused_ || !std::exchange(held_, false)) return;
  thread_->post([self = shared_from_this()] { self->read_more(); });
}

template <class Work>
void HttpsServer::Connection::inwards(Work work) {
  loop_.post_from_thread([self = shared_from_this(), work = std::move(work)]() mutable {
    if (self->server_ != nullptr) work(*self);
  });
}

// The outer side: of the connection's own thread.

void HttpsServer::Connection::expect_within(Duration time) { deadline_ = loop_.monotonic() + time; }

void HttpsServer::Connection::shut() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  ErrorCode ignored;
  stream_.next_layer().close(ignored);
}

void HttpsServer::Connection::lost() {
  shut();
  inwards([](Connection& self) { self.close(); });
}

void HttpsServer::Connection::on_handshake(const ErrorCode& error) {
  if (state_ == State::kClosed) return;
  if (error) return lost();
  read_peer_certificate();
  read_request();
}

// Verified by the handshake already: an untrusted one does not get here.
void HttpsServer::Connection::read_peer_certificate() {
  X509* certificate = SSL_get1_peer_certificate(stream_.native_handle());
  if (certificate == nullptr) return;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const auto names = names_of(subject, NID_commonName);
  if (!names.empty()) peer_.common_name = names.back();
  peer_.organizations = names_of(subject, NID_organizationName);
  X509_free(certificate);
}

void HttpsServer::Connection::read_request() {
  if (draining_ && in_.size() == 0) return lost();
  state_ = State::kReading;
  has_head_ = false;
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(limits_.header_bytes);
  parser_->body_limit(limits_.body_bytes);
  expect_within(limits_.idle);
  if (in_.size() > 0) return parse();
  read_more();
}

void HttpsServer::Connection::read_more() {
  if (reading_ || state_ == State::kClosed) return;
  reading_ = true;
  stream_.async_read_some(in_.prepare(kReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                            self->reading_ = false;
                            if (self->state_ != State::kClosed) self->on_read(error, size);
                          });
}

void HttpsServer::Connection::on_read(const ErrorCode& error, std::size_t size) {
  if (error) return lost();
  in_.commit(size);
  if (state_ == State::kReading) return parse();
  if (state_ == State::kUpgraded) return pass_on();
  // The beginning of the next request waits; no more is read until this one is answered.
}

void HttpsServer::Connection::parse() {
  ErrorCode error;
  while (in_.size() > 0 && !parser_->is_done() && !error) {
    in_.consume(parser_->put(in_.data(), error));
    if (!error && !has_head_ && parser_->is_header_done()) on_head();
  }
  if (error && error != http::error::need_more) return refuse(error);
  if (parser_->is_done()) return request_complete();
  read_more();
}

void HttpsServer::Connection::on_head() {
  has_head_ = true;
  expect_within(limits_.body);
  if (!http::token_list(parser_->get()[http::field::expect]).exists("100-continue")) return;
  put("HTTP/1.1 100 Continue\r\n\r\n");
  send();
}

// What can still be said to a client that sent something too large or malformed.
void HttpsServer::Connection::refuse(const ErrorCode& error) {
  keep_alive_ = false;
  chunked_ = false;
  without_body_ = false;
  state_ = State::kAnswering;
  const int status = error == http::error::header_limit ? 431
                     : error == http::error::body_limit ? 413
                                                        : 400;
  const std::string_view reason = status == 413 ? "RequestEntityTooLarge" : "BadRequest";
  put_answer(
      {.status = status,
       .body = fmt::format(
           R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{}","reason":"{}","code":{}}})"
           "\n",
           phrase(status), reason, status)},
      Body::kWhole);
  send();
}

void HttpsServer::Connection::request_complete() {
  auto message = parser_->release();
  apiserver::HttpRequest request;
  request.method = std::string_view(message.method_string().data(), message.method_string().size());
  request.target = std::string_view(message.target().data(), message.target().size());
  for (const auto& field : message) {
    request.headers.emplace_back(
        std::string(field.name_string().data(), field.name_string().size()),
        std::string(field.value().data(), field.value().size()));
  }
  request.body = std::move(message.body());
  request.peer = peer_;
  keep_alive_ = message.keep_alive() && !draining_;
  chunked_ = message.version() >= 11;
  without_body_ = message.method() == http::verb::head;
  answer_complete_ = false;
  state_ = State::kAnswering;
  deadline_ = kNever;  // How long an answer takes is the handler's business.
  if (prepare_) prepare_(request);
  // More than this request is here already: it is read when its turn comes.
  if (in_.size() == 0) read_more();
  inwards([request = std::move(request)](Connection& self) mutable {
    self.on_request(std::move(request));
  });
}

void HttpsServer::Connection::pass_on() {
  std::string bytes(static_cast<const char*>(in_.data().data()), in_.size());
  in_.consume(in_.size());
  inwards([bytes = std::move(bytes)](Connection& self) mutable { self.take(std::move(bytes)); });
}

void HttpsServer::Connection::put_answer(const apiserver::HttpAnswer& answer, Body body) {
  if (state_ != State::kAnswering) return;
  const bool streamed = body == Body::kStreamed;
  if (streamed && !chunked_) keep_alive_ = false;
  std::string head;
  head.reserve(256);
  head += fmt::format("HTTP/1.1 {} {}\r\n", answer.status, phrase(answer.status));
  append_header(head, "Content-Type", answer.content_type);
  append_header(head, "Cache-Control", "no-cache, private");
  append_headers(head, answer.headers);
  if (!keep_alive_) head += "Connection: close\r\n";
  if (streamed && chunked_) head += "Transfer-Encoding: chunked\r\n";
  if (!streamed) head += fmt::format("Content-Length: {}\r\n", answer.body.size());
  head += "\r\n";
  put(head);
  if (streamed) {
    state_ = State::kStreaming;
    return;
  }
  if (!without_body_) put(answer.body);
  answer_complete_ = true;
}

void HttpsServer::Connection::put_upgrade(const apiserver::Headers& headers) {
  if (state_ != State::kAnswering) return;
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  append_headers(head, headers);
  put(head + "\r\n");
  keep_alive_ = false;
  state_ = State::kUpgraded;
  if (in_.size() > 0) return pass_on();
  read_more();
}

void HttpsServer::Connection::put_payload(std::string_view bytes) {
  const bool is_open = state_ == State::kStreaming || state_ == State::kUpgraded;
  const bool is_chunk = state_ == State::kStreaming && chunked_;
  if (is_open && !without_body_) {
    if (is_chunk) put(fmt::format("{:x}\r\n", bytes.size()));
    put(bytes);
    if (is_chunk) put("\r\n");
  }
  unsent_ -= bytes.size();  // Counted when it was written, and by put() again.
  // Who asked for the head only has all of it already, and the writer may wait for that.
  if (is_open && without_body_ && out_.empty() && sending_.empty()) all_sent();
}

void HttpsServer::Connection::put_end() {
  if (answer_complete_ || state_ == State::kClosed) return;
  answer_complete_ = true;
  if (state_ == State::kStreaming && chunked_ && !without_body_) put("0\r\n\r\n");
  if (out_.empty() && sending_.empty()) all_sent();
}

void HttpsServer::Connection::put(std::string_view bytes) {
  unsent_ += bytes.size();
  out_ += bytes;
}

void HttpsServer::Connection::send() {
  if (state_ == State::kClosed || !sending_.empty() || out_.empty()) return;
  sending_.swap(out_);
  sent_ = 0;
  on_sent({}, 0);
}

void HttpsServer::Connection::on_sent(const ErrorCode& error, std::size_t size) {
  if (error) return lost();
  sent_ += size;
  unsent_ -= size;
  if (sent_ < sending_.size()) {
    expect_within(limits_.stalled);
    stream_.async_write_some(
        boost::asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
        [self = shared_from_this()](const ErrorCode& failed, std::size_t more) {
          if (self->state_ != State::kClosed) self->on_sent(failed, more);
        });
    return;
  }
  sending_.clear();
  sent_ = 0;
  // A large answer's memory is not kept for the small ones after it.
  if (sending_.capacity() > kMaxUpgradedBytes) sending_.shrink_to_fit();
  if (!out_.empty()) return send();
  all_sent();
}

void HttpsServer::Connection::all_sent() {
  if (state_ == State::kReading) return expect_within(limits_.body);  // After "100 Continue".
  if (answer_complete_) return keep_alive_ ? read_request() : lost();
  deadline_ = kNever;
  if (wants_drained_) inwards([](Connection& self) { self.drained(); });
}

void HttpsServer::Connection::stop_idle() {
  draining_ = true;
  if (state_ == State::kReading && in_.size() == 0 && !has_head_) return lost();
  keep_alive_ = false;
}

}  // namespace minato::net
