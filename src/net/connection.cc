#include "net/connection.h"

#include <fmt/format.h>
#include <openssl/x509.h>

#include <boost/beast/http/read.hpp>

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

void append_headers(std::string& out, const apiserver::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (is_clean(name) && is_clean(value)) out += fmt::format("{}: {}\r\n", name, value);
  }
}

}  // namespace

HttpsServer::Connection::Connection(HttpsServer& server, boost::asio::ip::tcp::socket socket)
    : server_(&server),
      loop_(server.loop_),
      limits_(server.options_.limits),
      stream_(std::move(socket), *server.tls_) {}

env::Executor& HttpsServer::Connection::executor() { return loop_; }

void HttpsServer::Connection::expect_within(Duration time) { deadline_ = loop_.monotonic() + time; }

void HttpsServer::Connection::start() {
  boost::system::error_code ignored;
  stream_.next_layer().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  expect_within(limits_.handshake);
  stream_.async_handshake(boost::asio::ssl::stream_base::server,
                          [self = shared_from_this()](const ErrorCode& error) {
                            if (self->server_ == nullptr) return;
                            if (error) return self->close();
                            self->read_peer_certificate();
                            self->read_request();
                          });
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
  if (server_->draining_ && in_.size() == 0) return close();
  state_ = State::kReading;
  parser_.emplace();
  parser_->header_limit(limits_.header_bytes);
  parser_->body_limit(limits_.body_bytes);
  expect_within(limits_.idle);
  http::async_read_header(stream_, in_, *parser_,
                          [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                            if (self->server_ != nullptr) self->on_head(error);
                          });
}

void HttpsServer::Connection::on_head(const ErrorCode& error) {
  if (error) return refuse(error);
  expect_within(limits_.body);
  if (http::token_list(parser_->get()[http::field::expect]).exists("100-continue")) {
    queue("HTTP/1.1 100 Continue\r\n\r\n");
  }
  http::async_read(stream_, in_, *parser_,
                   [self = shared_from_this()](const ErrorCode& failed, std::size_t) {
                     if (self->server_ != nullptr) self->on_request(failed);
                   });
}

// What can still be said to a client that sent something too large or malformed.
void HttpsServer::Connection::refuse(const ErrorCode& error) {
  const bool is_http = error.category() == make_error_code(http::error::bad_method).category();
  if (!is_http || error == http::error::end_of_stream || error == http::error::partial_message)
    return close();
  keep_alive_ = false;
  chunked_ = false;
  without_body_ = false;
  state_ = State::kAnswering;
  const int status = error == http::error::header_limit ? 431
                     : error == http::error::body_limit ? 413
                                                        : 400;
  const std::string_view reason = status == 413 ? "RequestEntityTooLarge" : "BadRequest";
  begin_answer(
      {.status = status,
       .body = fmt::format(
           R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{}","reason":"{}","code":{}}})"
           "\n",
           phrase(status), reason, status)},
      false);
}

void HttpsServer::Connection::on_request(const ErrorCode& error) {
  if (error) return refuse(error);
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
  keep_alive_ = message.keep_alive() && !server_->draining_;
  chunked_ = message.version() >= 11;
  without_body_ = message.method() == http::verb::head;
  answer_complete_ = false;
  state_ = State::kAnswering;
  deadline_ = kNever;  // How long an answer takes is the handler's business.
  watch_peer();
  server_->handler_(std::move(request), std::make_shared<ExchangeOnConnection>(shared_from_this()));
}

void HttpsServer::Connection::watch_peer() {
  // More than this request is here already: it is read when its turn comes.
  if (watching_ || paused_ || server_ == nullptr || (in_.size() > 0 && state_ != State::kUpgraded)) return;
  watching_ = true;
  stream_.async_read_some(in_.prepare(kReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t size) {
                            self->watching_ = false;
                            if (self->server_ != nullptr) self->on_peer(error, size);
                          });
}

void HttpsServer::Connection::on_peer(const ErrorCode& error, std::size_t size) {
  if (error) return close();
  in_.commit(size);
  if (state_ == State::kUpgraded) {
    if (!on_data_) return in_.size() > kMaxUpgradedBytes ? close() : watch_peer();
    const std::string bytes(static_cast<const char*>(in_.data().data()), in_.size());
    in_.consume(in_.size());
    // The callback may close the connection and with it forget itself.
    const auto callback = on_data_;
    callback(bytes);
    return watch_peer();
  }
  // The beginning of the next request waits; no more is read until this one is answered.
  if (answer_complete_ && pending_bytes() == 0) read_request();
}

void HttpsServer::Connection::begin_answer(const apiserver::HttpAnswer& answer, bool streamed) {
  if (server_ == nullptr || state_ != State::kAnswering) return;
  if (streamed && !chunked_) keep_alive_ = false;
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, phrase(answer.status));
  append_headers(head,
                 {{"Content-Type", answer.content_type}, {"Cache-Control", "no-cache, private"}});
  append_headers(head, answer.headers);
  if (!keep_alive_) head += "Connection: close\r\n";
  if (streamed && chunked_) head += "Transfer-Encoding: chunked\r\n";
  if (!streamed) head += fmt::format("Content-Length: {}\r\n", answer.body.size());
  head += "\r\n";
  if (!streamed && !without_body_) head += answer.body;
  queue(head);
  if (streamed) {
    state_ = State::kStreaming;
  } else {
    answer_complete_ = true;
  }
}

void HttpsServer::Connection::begin_upgrade(const apiserver::Headers& headers) {
  if (server_ == nullptr || state_ != State::kAnswering) return;
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  append_headers(head, headers);
  queue(head + "\r\n");
  keep_alive_ = false;
  state_ = State::kUpgraded;
  watch_peer();
}

void HttpsServer::Connection::write_chunk(std::string_view bytes) {
  if (bytes.empty() || without_body_) return;
  if (state_ == State::kUpgraded || (state_ == State::kStreaming && !chunked_)) return queue(bytes);
  if (state_ != State::kStreaming) return;
  queue(fmt::format("{:x}\r\n", bytes.size()));
  queue(bytes);
  queue("\r\n");
}

void HttpsServer::Connection::finish_answer() {
  if (server_ == nullptr || answer_complete_) return;
  on_close_ = nullptr;
  on_drained_ = nullptr;
  on_data_ = nullptr;
  answer_complete_ = true;
  if (state_ == State::kStreaming && chunked_ && !without_body_) queue("0\r\n\r\n");
  if (pending_bytes() == 0) all_sent();
}

void HttpsServer::Connection::on_drained(std::function<void()> callback) {
  on_drained_ = std::move(callback);
}

void HttpsServer::Connection::on_data(std::function<void(std::string_view)> callback) {
  on_data_ = std::move(callback);
  if (!on_data_ || in_.size() == 0) return;
  // What came along with the request, in a turn of its own.
  loop_.post([self = shared_from_this()] {
    if (self->server_ == nullptr || !self->on_data_ || self->in_.size() == 0 || self->watching_)
      return;
    self->on_peer({}, 0);
  });
}

void HttpsServer::Connection::set_reading(apiserver::Duplex::Reading reading) {
  paused_ = reading == apiserver::Duplex::Reading::kPause;
  if (!paused_ && state_ == State::kUpgraded) watch_peer();
}

void HttpsServer::Connection::queue(std::string_view bytes) {
  if (server_ == nullptr) return;
  out_ += bytes;
  if (queued_ || !sending_.empty()) return;
  queued_ = true;
  server_->send_soon(shared_from_this());
}

void HttpsServer::Connection::send() {
  queued_ = false;
  if (server_ == nullptr || !sending_.empty() || out_.empty()) return;
  sending_.swap(out_);
  sent_ = 0;
  on_sent({}, 0);
}

void HttpsServer::Connection::on_sent(const ErrorCode& error, std::size_t size) {
  if (error) return close();
  sent_ += size;
  if (sent_ < sending_.size()) {
    expect_within(limits_.stalled);
    stream_.async_write_some(
        boost::asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
        [self = shared_from_this()](const ErrorCode& failed, std::size_t more) {
          if (self->server_ != nullptr) self->on_sent(failed, more);
        });
    return;
  }
  sending_.clear();
  sent_ = 0;
  // A large answer's memory is not kept for the small ones after it.
  if (sending_.capacity() > kMaxUpgradedBytes) sending_.shrink_to_fit();
  if (!out_.empty()) {
    queued_ = true;
    return server_->send_soon(shared_from_this());
  }
  all_sent();
}

void HttpsServer::Connection::all_sent() {
  if (state_ == State::kReading) return expect_within(limits_.body);  // After "100 Continue".
  if (answer_complete_) return next_request();
  deadline_ = kNever;
  if (!on_drained_) return;
  loop_.post([self = shared_from_this()] {
    const auto callback = self->on_drained_;
    if (self->server_ != nullptr && callback && self->pending_bytes() == 0) callback();
  });
}

void HttpsServer::Connection::next_request() {
  if (!keep_alive_) return close();
  // The read that watched the client is still under way: what it brings begins the next request.
  if (watching_) {
    if (server_->draining_) return close();
    return expect_within(limits_.idle);
  }
  read_request();
}

void HttpsServer::Connection::close_if_idle() {
  if (state_ == State::kReading && in_.size() == 0) return close();
  if (answer_complete_ && pending_bytes() == 0) return close();
  keep_alive_ = false;
}

void HttpsServer::Connection::close() {
  HttpsServer* server = std::exchange(server_, nullptr);
  if (server == nullptr) return;
  state_ = State::kClosed;
  ErrorCode ignored;
  stream_.next_layer().close(ignored);
  on_drained_ = nullptr;
  on_data_ = nullptr;
  const auto self = shared_from_this();
  server->closed(self);
  if (auto callback = std::exchange(on_close_, nullptr)) callback();
}

}  // namespace minato::net
