#include "local/control_stream.h"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace minato::local {
namespace asio = boost::asio;
using boost::system::error_code;

class ControlStream::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(host::Loop& loop, const control::Request& request, LineSink line)
      : socket_(loop.io()), output_(control::encode(request)), line_(std::move(line)) {}

  void start(const std::string& path) {
    socket_.async_connect(asio::local::stream_protocol::endpoint(path), [self = shared_from_this()](const error_code& error) {
      if (error) return self->broke(error);
      asio::async_write(self->socket_, asio::buffer(self->output_), [self](const error_code& failed, std::size_t) {
        if (failed) return self->broke(failed);
        self->read();
      });
    });
  }
  void close() {
    line_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, control::kMaxLineBytes), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (error) return self->broke(error);
                             self->received(size);
                           });
  }
  void received(std::size_t size) {
    auto line = control::decode_line(std::string_view(input_).substr(0, size));
    input_.erase(0, size);
    if (!line) return end(line.error());
    const bool last = line->last;
    if (line_) line_(*line);
    if (!last && line_) read();
  }
  void broke(const error_code& error) { end({Reason::kUnavailable, "the control process does not answer: " + error.message()}); }
  void end(Error error) {
    control::Line last;
    last.last = true;
    last.status = std::unexpected(std::move(error));
    if (line_) line_(last);
  }

  asio::local::stream_protocol::socket socket_;
  std::string output_;
  std::string input_;
  LineSink line_;
};

ControlStream::ControlStream(host::Loop& loop, const std::string& path, const control::Request& request, LineSink line)
    : connection_(std::make_shared<Connection>(loop, request, std::move(line))) {
  connection_->start(path);
}

ControlStream::~ControlStream() { connection_->close(); }

Result<int> control_process(const std::string& path) {
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  error_code error;
  socket.connect(asio::local::stream_protocol::endpoint(path), error);
  if (error) return fail(Reason::kUnavailable, "the control process does not answer: " + error.message());
  // Of whoever listens, as this process sees it, though it lives in namespaces of its own.
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 1) {
    return fail(Reason::kUnavailable, "the control process cannot be told from here");
  }
  return peer.pid;
}

}  // namespace minato::local
