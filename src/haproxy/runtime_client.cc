#include "haproxy/runtime_client.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <utility>

namespace minato::haproxy {
namespace {

constexpr Duration kReconnectDelay = 10ms;
constexpr Duration kAnswerTimeout = 5s;
constexpr std::size_t kMaximumPending = 20'000;  // Eleven commands for each of 1,000 targets fit.
constexpr std::size_t kMaximumAnswerBytes = 16 << 20;
constexpr std::string_view kEndOfAnswer = "\n> ";

}  // namespace

class RuntimeClient::Connection : public std::enable_shared_from_this<Connection> {
  using Socket = boost::asio::local::stream_protocol::socket;

  // Handlers of a connection that was given up must not touch the next one.
  template <class Handler>
  auto guarded(Handler handler) {
    return [weak = weak_from_this(), generation = generation_, handler](
               const boost::system::error_code& error, std::size_t size = 0) {
      const auto self = weak.lock();
      if (!self || self->generation_ != generation) return;
      if (error) {
        self->lose();
      } else {
        handler(*self, size);
      }
    };
  }

 public:
  Connection(host::Loop& loop, std::string path, std::function<void()> on_connected)
      : loop_(loop), path_(std::move(path)), on_connected_(std::move(on_connected)),
        socket_(loop.io()) {}

  bool connected() const { return connected_; }

  void connect() {
    // Connecting a local socket never waits for the other side's accept.
    socket_ = Socket(loop_.io());
    socket_.async_connect(path_, guarded([](Connection& self, std::size_t) { self.greet(); }));
  }

  void close() {
    closed_ = true;
    generation_++;
    pending_.clear();
    retry_.cancel();
    deadline_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  void send(const std::string& command, Reply reply) {
    if (!connected_ || pending_.size() >= kMaximumPending) {
      loop_.post([weak = weak_from_this(), reply = std::move(reply)] {
        const auto self = weak.lock();
        if (self && !self->closed_) reply(fail(Reason::kUnavailable, "HAProxy is not connected"));
      });
      return;
    }
    pending_.push_back(std::move(reply));
    unsent_ += command;
    unsent_ += '\n';
    write();
    if (pending_.size() == 1) expect_answer();
  }

 private:
  void greet() {
    connected_ = true;
    read();
    // The answer to "prompt" is an empty one.
    send("prompt", [weak = weak_from_this()](const Result<std::string>& answer) {
      const auto self = weak.lock();
      if (self && answer) self->on_connected_();
    });
  }

  void lose() {
    generation_++;
    connected_ = false;
    deadline_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    unsent_.clear();
    writing_.clear();
    received_.clear();
    retry_ = loop_.after(kReconnectDelay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->connect();
    });
    for (const Reply& reply : std::exchange(pending_, {})) {
      if (closed_) return;
      reply(fail(Reason::kUnavailable, "the connection to HAProxy was lost"));
    }
  }

  void write() {
    if (!writing_.empty() || unsent_.empty()) return;
    writing_ = std::exchange(unsent_, {});
    boost::asio::async_write(socket_, boost::asio::buffer(writing_),
                             guarded([](Connection& self, std::size_t) {
                               self.writing_.clear();
                               self.write();
                             }));
  }

  void read() {
    socket_.async_read_some(boost::asio::buffer(buffer_),
                            guarded([](Connection& self, std::size_t size) { self.take(size); }));
  }

  void take(std::size_t size) {
    // The mark may straddle two reads.
    std::size_t from = received_.size() < kEndOfAnswer.size() ? 0 : received_.size() - 2;
    received_.append(buffer_, size);
    std::size_t begin = 0;
    const std::size_t generation = generation_;
    while (true) {
      const std::size_t end = received_.find(kEndOfAnswer, from);
      if (end == std::string::npos || pending_.empty()) break;
      const Reply reply = std::move(pending_.front());
      pending_.pop_front();
      reply(received_.substr(begin, end - begin));
      if (closed_ || generation_ != generation) return;
      begin = from = end + kEndOfAnswer.size();
      expect_answer();
    }
    received_.erase(0, begin);
    if (received_.size() > kMaximumAnswerBytes) {
      lose();
    } else {
      read();
    }
  }

  void expect_answer() {
    deadline_.cancel();
    if (pending_.empty()) return;
    deadline_ = loop_.after(kAnswerTimeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->lose();
    });
  }

  host::Loop& loop_;
  std::string path_;
  std::function<void()> on_connected_;
  Socket socket_;
  bool connected_ = false;
  bool closed_ = false;
  std::size_t generation_ = 0;
  std::deque<Reply> pending_;
  std::string unsent_;
  std::string writing_;
  std::string received_;
  env::TimerHandle retry_;
  env::TimerHandle deadline_;
  char buffer_[65536];
};

RuntimeClient::RuntimeClient(host::Loop& loop, std::string socket_path,
                             std::function<void()> on_connected)
    : connection_(std::make_shared<Connection>(loop, std::move(socket_path),
                                               std::move(on_connected))) {
  connection_->connect();
}

RuntimeClient::~RuntimeClient() { connection_->close(); }

bool RuntimeClient::connected() const { return connection_->connected(); }

void RuntimeClient::send(const std::string& command, Reply reply) {
  connection_->send(command, std::move(reply));
}

}  // namespace minato::haproxy
