#include "control/server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "base/strings.h"
#include "control/client.h"

namespace minato::control {
namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;

namespace {

constexpr std::size_t kMaxUnsentBytes = 64 << 20;  // A reader slower than this is cut off.

bool is_allowed(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace

class Server::Connection final : public Exchange, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, Socket socket)
      : server_(server), server_alive_(server.alive_), socket_(std::move(socket)) {}

  void start() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kMaxRequestBytes), '\n',
                           [self = shared_from_this()](const boost::system::error_code& error,
                                                       std::size_t size) {
                             if (error) return self->close();
                             self->received(size);
                           });
  }
  void send(const boost::json::value& data) override { write(encode_data(data)); }
  void finish(const Status& status) override {
    finishing_ = true;
    write(encode_end(status));
  }
  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

 private:
  void received(std::size_t size) {
    const auto request = decode(std::string_view(input_).substr(0, size));
    watch_for_close();
    if (!request) return finish(std::unexpected(request.error()));
    if (server_alive_.lock()) server_.dispatch(*request, shared_from_this());
  }
  // The client sends nothing more: whatever a read returns means that it has gone.
  void watch_for_close() {
    socket_.async_read_some(asio::buffer(&discard_, 1),
                            [self = shared_from_this()](const boost::system::error_code&,
                                                        std::size_t) { self->close(); });
  }
  void write(std::string text) {
    if (closed_) return;
    unsent_ += text.size();
    if (unsent_ > kMaxUnsentBytes) return close();
    output_.push_back(std::move(text));
    if (output_.size() == 1) write_front();
  }
  void write_front() {
    asio::async_write(socket_, asio::buffer(output_.front()),
                      [self = shared_from_this()](const boost::system::error_code& error,
                                                  std::size_t size) {
                        if (error) return self->close();
                        self->unsent_ -= size;
                        self->output_.pop_front();
                        if (!self->output_.empty()) return self->write_front();
                        if (self->finishing_) self->close();
                      });
  }
  void close() {
    if (std::exchange(closed_, true)) return;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (auto callback = std::exchange(on_close_, nullptr)) callback();
  }

  Server& server_;
  std::weak_ptr<bool> server_alive_;
  Socket socket_;
  std::string input_;
  std::deque<std::string> output_;
  std::size_t unsent_ = 0;
  char discard_ = 0;
  bool finishing_ = false;
  bool closed_ = false;
  std::function<void()> on_close_;
};

Server::Server(host::Loop& loop, std::string path)
    : loop_(loop),
      path_(std::move(path)),
      acceptor_(loop.io()),
      alive_(std::make_shared<bool>(true)) {}

Server::~Server() { ::unlink(path_.c_str()); }

Result<std::unique_ptr<Server>> Server::listen(host::Loop& loop, const std::string& path) {
  if (Client::is_answering(path)) {
    return fail(Reason::kAlreadyExists, fmt::format("another minato answers on {}", path));
  }
  ::unlink(path.c_str());
  std::unique_ptr<Server> server(new Server(loop, path));
  boost::system::error_code error;
  const mode_t before = ::umask(0177);  // 0600 from the first instant on.
  server->acceptor_.open(asio::local::stream_protocol(), error);
  if (!error) server->acceptor_.bind(asio::local::stream_protocol::endpoint(path), error);
  ::umask(before);
  if (!error) server->acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(Reason::kUnavailable, fmt::format("listening on {}: {}", path, error.message()));
  server->accept();
  return server;
}

void Server::accept() {
  acceptor_.async_accept([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error,
                                                               Socket socket) {
    if (!alive.lock() || error == asio::error::operation_aborted) return;
    if (!error && is_allowed(socket.native_handle())) {
      std::make_shared<Connection>(*this, std::move(socket))->start();
    }
    accept();
  });
}

void Server::dispatch(const Request& request, std::shared_ptr<Exchange> exchange) {
  const auto found = handlers_.find(request.verb);
  if (found != handlers_.end()) return found->second(request, std::move(exchange));
  std::vector<std::string> known;
  for (const auto& [verb, handler] : handlers_) known.push_back(verb);
  exchange->finish(fail(Reason::kNotFound, fmt::format("unknown verb '{}'; known: {}", request.verb,
                                                       join(known, ", "))));
}

}  // namespace minato::control
