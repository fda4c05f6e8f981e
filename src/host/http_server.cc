#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <optional>

#include "host/http.h"

namespace minato::host {
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

Result<Fd> listen_tcp(const std::string& address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) {
    return fail(Reason::kInvalid, fmt::format("\"{}\" is not an IPv4 address", address));
  }
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return fail_errno(fmt::format("listening on {}:{}", address, port), errno);
  }
  return fd;
}

class HttpServer::Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer& server, tcp::socket socket)
      : server_(&server), loop_(server.loop_), options_(server.options_), socket_(std::move(socket)) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_.header_bytes));
    parser_->body_limit(options_.body_bytes);
    timer_ = loop_.after(options_.idle, [self = shared_from_this()] { self->close(); });
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                       if (self->server_ == nullptr) return;
                       if (error) return self->refuse(error);
                       self->answer();
                     });
  }
  // The server is going away, or the connection is: nothing may reach the server any more.
  void close() {
    HttpServer* server = std::exchange(server_, nullptr);
    if (server == nullptr) return;
    timer_.cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    server->closed(shared_from_this());
  }

 private:
  // What can still be said to a client that sent something too large or malformed.
  void refuse(const ErrorCode& error) {
    if (error == http::error::header_limit) return write({.status = 431}, false);
    if (error == http::error::body_limit) return write({.status = 413}, false);
    if (error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return write({.status = 400}, false);
    }
    close();
  }

  void answer() {
    const auto& message = parser_->get();
    HttpRequest request;
    request.method = message.method_string();
    request.target = message.target();
    for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
    request.body = message.body();
    write(server_->handler_(request), message.keep_alive());
  }

  void write(const HttpResponse& response, bool keep_alive) {
    response_.emplace(static_cast<http::status>(response.status), 11);
    for (const auto& [name, value] : response.headers) response_->set(name, value);
    response_->body() = response.body;
    response_->keep_alive(keep_alive);
    response_->prepare_payload();
    http::async_write(socket_, *response_,
                      [self = shared_from_this(), keep_alive](const ErrorCode& error, std::size_t) {
                        if (self->server_ == nullptr) return;
                        if (error || !keep_alive) return self->close();
                        self->read();
                      });
  }

  HttpServer* server_;  // Null once closed.
  Loop& loop_;
  const Options options_;
  tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  env::TimerHandle timer_;
};

HttpServer::HttpServer(Loop& loop, Fd listening, Handler handler)
    : HttpServer(loop, std::move(listening), std::move(handler), Options{}) {}

HttpServer::HttpServer(Loop& loop, Fd listening, Handler handler, Options options)
    : loop_(loop),
      handler_(std::move(handler)),
      options_(std::move(options)),
      acceptor_(loop.io()),
      alive_(std::make_shared<bool>(true)) {
  acceptor_.assign(tcp::v4(), listening.release());
  accept();
}

HttpServer::~HttpServer() {
  alive_.reset();
  const auto all = std::exchange(connections_, {});
  for (const auto& connection : all) connection->close();
}

void HttpServer::accept() {
  if (accepting_ || connections_.size() >= options_.connections) return;
  accepting_ = true;
  acceptor_.async_accept([this, alive = std::weak_ptr(alive_)](const ErrorCode& error,
                                                               tcp::socket socket) {
    if (!alive.lock()) return;
    accepting_ = false;
    if (error == boost::asio::error::operation_aborted) return;
    if (!error && is_admitted(socket)) {
      auto connection = std::make_shared<Connection>(*this, std::move(socket));
      connections_.insert(connection);
      connection->read();
    }
    accept();
  });
}

bool HttpServer::is_admitted(const tcp::socket& socket) const {
  if (!options_.admits) return true;
  ErrorCode error;
  const auto peer = socket.remote_endpoint(error);
  return !error && options_.admits(peer.address().to_string());
}

void HttpServer::closed(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  if (alive_) accept();
}

}  // namespace minato::host
