// One connection of an HttpsServer: reads a request, hands it on, sends what answers it, and again.
// Private to net. Loop thread only.
//
// One read is always under way, also while an answer is made: that is how it is noticed that the
// client has gone. What arrives then belongs to the next request, or to the upgraded protocol.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "net/https_server.h"

namespace minato::net {

class HttpsServer::Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpsServer& server, boost::asio::ip::tcp::socket socket);

  void start();
  void close();
  // Sends what is waiting. The server calls it after before_send.
  void send();
  void close_if_idle();
  bool is_overdue(MonoTime now) const { return now > deadline_; }

  // For exchanges and streams; each does nothing once the connection is closed.
  void begin_answer(const apiserver::HttpAnswer& answer, bool streamed);
  void begin_upgrade(const apiserver::Headers& headers);
  void write_chunk(std::string_view bytes);
  void finish_answer();
  std::size_t pending_bytes() const { return out_.size() + sending_.size() - sent_; }
  void on_close(std::function<void()> callback) { on_close_ = std::move(callback); }
  void on_drained(std::function<void()> callback);
  void on_data(std::function<void(std::string_view)> callback);
  void set_reading(apiserver::Duplex::Reading reading);
  env::Executor& executor();

 private:
  enum class State { kHandshake, kReading, kAnswering, kStreaming, kUpgraded, kClosed };
  using ErrorCode = boost::system::error_code;

  void expect_within(Duration time);
  void read_peer_certificate();
  void read_request();
  void on_head(const ErrorCode& error);
  void on_request(const ErrorCode& error);
  void refuse(const ErrorCode& error);
  void watch_peer();
  void on_peer(const ErrorCode& error, std::size_t size);
  void next_request();
  void queue(std::string_view bytes);
  void on_sent(const ErrorCode& error, std::size_t size);
  void all_sent();

  HttpsServer* server_;  // Null once closed.
  host::Loop& loop_;
  const ServerLimits limits_;
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  boost::beast::flat_buffer in_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  apiserver::PeerCertificate peer_;
  State state_ = State::kHandshake;
  MonoTime deadline_{};
  bool watching_ = false;  // A read beside an answer is under way.
  bool paused_ = false;    // Of an upgraded connection.
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool without_body_ = false;  // HEAD
  bool answer_complete_ = false;
  bool queued_ = false;  // The server knows that there is something to send.
  std::string out_, sending_;
  std::size_t sent_ = 0;
  std::function<void()> on_close_, on_drained_;
  std::function<void(std::string_view)> on_data_;
};

}  // namespace minato::net
