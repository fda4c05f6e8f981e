// One connection of an HttpsServer: reads a request, hands it on, sends what answers it, and again.
// Private to net.
//
// It has two sides. The outer one belongs to its IoThread: TLS, bytes, requests taken apart. The
// inner one belongs to the loop: whose answer it is, and what waits for it. From the loop outwards
// goes what the server lets go after a commit (HttpsServer::deliver), inwards go tasks of the loop.
//
// One read is always under way, also while an answer is made: that is how it is noticed that the
// client has gone. What arrives then belongs to the next request, or to the upgraded protocol.
#pragma once

#include <atomic>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "net/https_server.h"
#include "net/io_thread.h"

namespace minato::net {

class HttpsServer::Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpsServer& server, IoThreadPtr thread, IoThread::Socket socket);

  // --- Of the loop thread. Each does nothing once the connection is closed.
  void start();
  void drain();
  void close();
  bool is_overdue(MonoTime now) const { return now > deadline_.load(); }
  void begin_answer(apiserver::HttpAnswer answer, Body body);
  void begin_upgrade(apiserver::Headers headers);
  void write(std::string_view bytes);
  void finish_answer();
  std::size_t pending_bytes() const { return unsent_; }
  void on_close(std::function<void()> callback);
  void on_drained(std::function<void()> callback);
  void on_data(std::function<void(std::string_view)> callback);
  void set_reading(apiserver::Duplex::Reading reading);

  // --- Of its own thread.
  const IoThreadPtr& thread() const { return thread_; }
  // Sends what deliveries have left.
  void send();

 private:
  enum class State { kHandshake, kReading, kAnswering, kStreaming, kUpgraded, kClosed };
  using ErrorCode = boost::system::error_code;

  // --- Of the loop thread.
  void on_request(apiserver::HttpRequest request);
  void take(std::string bytes);
  void hand_on(const std::string& bytes);
  void drained();

  // --- Of its own thread.
  void expect_within(Duration time);
  void on_handshake(const ErrorCode& error);
  void read_peer_certificate();
  void read_request();
  void read_more();
  void on_read(const ErrorCode& error, std::size_t size);
  void parse();
  void on_head();
  void request_complete();
  void pass_on();
  void refuse(const ErrorCode& error);
  void put_answer(const apiserver::HttpAnswer& answer, Body body);
  void put_upgrade(const apiserver::Headers& headers);
  void put_payload(std::string_view bytes);
  void put_end();
  void put(std::string_view bytes);
  void on_sent(const ErrorCode& error, std::size_t size);
  void all_sent();
  void stop_idle();
  void lost();
  void shut();
  // A task of the inner side, unless it is closed by then.
  template <class Work>
  void inwards(Work work);

  const IoThreadPtr thread_;
  host::Loop& loop_;
  const ServerLimits limits_;
  const std::function<void(apiserver::HttpRequest&)> prepare_;
  // Of both sides.
  std::atomic<MonoTime> deadline_{};
  std::atomic<std::size_t> unsent_ = 0;  // Bytes that were written and not yet taken.
  std::atomic<bool> wants_drained_ = false;

  // Of the loop thread.
  HttpsServer* server_;  // Null once closed.
  bool paused_ = false;  // Of an upgraded connection.
  bool held_ = false;    // Its next read waits for the end of the pause.
  std::string early_;    // Data that nobody wanted yet.
  std::function<void()> on_close_, on_drained_;
  std::function<void(std::string_view)> on_data_;

  // Of its own thread.
  boost::asio::ssl::stream<IoThread::Socket> stream_;
  boost::beast::flat_buffer in_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  apiserver::PeerCertificate peer_;
  State state_ = State::kHandshake;
  bool reading_ = false;  // A read is under way.
  bool has_head_ = false;
  bool draining_ = false;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool without_body_ = false;  // HEAD
  bool answer_complete_ = false;
  std::string out_, sending_;
  std::size_t sent_ = 0;
};

}  // namespace minato::net
