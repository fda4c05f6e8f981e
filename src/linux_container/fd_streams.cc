#include "linux_container/fd_streams.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace minato::linux_container {
namespace {

using ErrorCode = boost::system::error_code;
constexpr std::size_t kFirstErrorBytes = 4096;
constexpr char kEndOfTransmission = 4;  // Ctrl-D: how input ends on a terminal.

void assign(boost::asio::posix::stream_descriptor& to, host::Fd from) {
  if (!from) return;
  ErrorCode ignored;
  to.assign(from.release(), ignored);
  to.non_blocking(true, ignored);
}

}  // namespace

FdStreams::FdStreams(host::Loop& loop, Kind kind, Events events)
    : loop_(loop),
      kind_(kind),
      events_(std::move(events)),
      in_(loop.io()),
      out_(loop, Output::kStdout),
      err_(loop, Output::kStderr) {}

void FdStreams::open(Ends ends) {
  if (closed_) return;
  opened_ = true;
  assign(in_, std::move(ends.input));
  assign(out_.fd, std::move(ends.output));
  assign(err_.fd, std::move(ends.error));
  if (size_) resize(size_->first, size_->second);
  read(out_);
  read(err_);
  write_more();
}

void FdStreams::read(Reader& reader) {
  if (paused_ || closed_ || reader.reading || !reader.fd.is_open()) return;
  reader.reading = true;
  reader.fd.async_read_some(
      boost::asio::buffer(reader.buffer),
      [self = shared_from_this(), &reader](const ErrorCode& error, std::size_t size) {
        reader.reading = false;
        if (self->closed_) return;
        // A terminal whose last user has gone says EIO.
        if (error) {
          ErrorCode ignored;
          reader.fd.close(ignored);
          if (self->kind_ == Kind::kSocket && !self->result_) self->result_ = 0;
          return self->maybe_done();
        }
        self->say(reader.output, {reader.buffer, size});
        self->read(reader);
      });
}

void FdStreams::say(Output output, std::string_view text) {
  if (closed_) return;
  heard_ = true;
  if (output == Output::kStderr) {
    first_error_ += text.substr(
        0, kFirstErrorBytes - std::min(kFirstErrorBytes, first_error_.size()));
  }
  // The callback may close us and with it forget itself.
  const auto callback = events_.output;
  callback(output, text);
}

void FdStreams::write(std::string_view bytes) {
  if (closed_ || input_ended_ || (opened_ && !in_.is_open())) return;
  waiting_ += bytes;
  write_more();
}

void FdStreams::write_more() {
  if (!opened_ || closed_ || !writing_.empty()) return;
  if (waiting_.empty()) return input_ended_ ? end_input() : void();
  if (!in_.is_open()) return waiting_.clear();
  writing_.swap(waiting_);
  const auto write_rest = [self = shared_from_this()](auto&& again, std::size_t sent) -> void {
    self->in_.async_write_some(
        boost::asio::buffer(self->writing_.data() + sent, self->writing_.size() - sent),
        [self, again, sent](const ErrorCode& error, std::size_t size) {
          if (self->closed_) return;
          if (!error && sent + size < self->writing_.size()) return again(again, sent + size);
          self->writing_.clear();
          if (error) {  // Nobody reads it any more.
            self->waiting_.clear();
            ErrorCode ignored;
            self->in_.close(ignored);
          }
          self->write_more();
          if (self->pending_bytes() == 0 && self->events_.drained) self->events_.drained();
        });
  };
  write_rest(write_rest, 0);
}

void FdStreams::close_input() {
  if (std::exchange(input_ended_, true)) return;
  if (kind_ == Kind::kTerminal && !closed_) waiting_ += kEndOfTransmission;
  write_more();
}

void FdStreams::end_input() {
  if (!in_.is_open() || kind_ == Kind::kTerminal) return;
  if (kind_ == Kind::kSocket) ::shutdown(in_.native_handle(), SHUT_WR);
  ErrorCode ignored;
  in_.close(ignored);
}

void FdStreams::resize(std::uint16_t columns, std::uint16_t rows) {
  size_ = {columns, rows};
  if (kind_ != Kind::kTerminal || !in_.is_open()) return;
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(in_.native_handle(), TIOCSWINSZ, &size);
}

void FdStreams::set_reading(Reading reading) {
  paused_ = reading == Reading::kPause;
  read(out_);
  read(err_);
}

void FdStreams::finish(Result<int> result) {
  if (closed_ || result_) return;
  result_ = std::move(result);
  maybe_done();
  if (!closed_) listen_for_last_words();
}

void FdStreams::listen_for_last_words() {
  heard_ = false;
  last_words_ = loop_.after(kLastWords, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    if (self->heard_ || self->paused_) return self->listen_for_last_words();
    ErrorCode ignored;
    self->out_.fd.close(ignored);
    self->err_.fd.close(ignored);
    self->opened_ = true;  // What has not come by now does not come.
    self->maybe_done();
  });
}

void FdStreams::maybe_done() {
  if (closed_ || !result_ || (!opened_ && *result_) || out_.fd.is_open() || err_.fd.is_open()) return;
  auto done = std::exchange(events_.done, nullptr);
  auto result = std::move(*result_);
  close();
  done(std::move(result));
}

void FdStreams::close() {
  if (std::exchange(closed_, true)) return;
  last_words_.cancel();
  ErrorCode ignored;
  in_.close(ignored);
  out_.fd.close(ignored);
  err_.fd.close(ignored);
  // One of them may be calling us: they go in a turn of their own.
  loop_.post([self = shared_from_this()] { self->events_ = {}; });
}

}  // namespace minato::linux_container
