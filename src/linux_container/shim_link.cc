#include "linux_container/shim_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>
#include <map>

#include "linux_container/protocol.h"
#include "linux_container/shim_process.h"

namespace minato::linux_container {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

using Socket = asio::local::stream_protocol::socket;
constexpr Duration kReconnectDelay = 100ms;
constexpr std::size_t kMaxPendingCalls = 1024;

Status connect_socket(Socket& socket, const std::string& run_dir) {
  // By way of a descriptor, because the whole path may be longer than a socket address holds.
  const host::Fd dir(::open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return fail_errno("opening " + run_dir, errno);
  boost::system::error_code error;
  socket.connect({fmt::format("/proc/self/fd/{}/{}", dir.get(), kSocketName)}, error);
  if (error) return fail(Reason::kUnavailable, "connecting to the shim: " + error.message());
  return {};
}

}  // namespace

class ShimLink::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(host::Loop& loop, std::string run_dir, ShimProcess shim, Callbacks callbacks)
      : loop_(loop),
        run_dir_(std::move(run_dir)),
        process_(loop.io(), shim.pidfd.release()),
        socket_(loop.io()),
        callbacks_(std::move(callbacks)) {}

  Status begin() {
    RETURN_IF_ERROR(connect_socket(socket_, run_dir_));
    process_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error && !self->closed_) self->ended();
                        });
    read();
    return {};
  }

  void close() {
    closed_ = true;
    calls_.clear();
    reconnect_.cancel();
    boost::system::error_code ignored;
    process_.close(ignored);
    socket_.close(ignored);
  }

  void call(json::object request, Duration timeout, container::Done<json::object> done) {
    const std::uint64_t id = next_id_++;
    request["id"] = id;
    Call& call = calls_[id];
    call.done = std::move(done);
    if (calls_.size() > kMaxPendingCalls || !connected_) {
      call.timer = loop_.after(Duration{0}, [this, id] {
        finish(id, fail(Reason::kUnavailable, "the Pod's supervisor does not answer"));
      });
      return;
    }
    call.timer = loop_.after(timeout, [this, id] {
      finish(id, fail(Reason::kTimeout, "the Pod's supervisor did not answer in time"));
    });
    outgoing_ += to_frame(request);
    write();
  }

  void kill() { ::syscall(SYS_pidfd_send_signal, process_.native_handle(), SIGKILL, nullptr, 0); }

 private:
  struct Call {
    container::Done<json::object> done;
    env::TimerHandle timer;
  };

  void finish(std::uint64_t id, Result<json::object> result) {
    auto node = calls_.extract(id);
    if (!node.empty()) node.mapped().done(std::move(result));
  }

  void write() {
    if (!writing_.empty() || outgoing_.empty()) return;
    writing_ = std::exchange(outgoing_, {});
    asio::async_write(
        socket_, asio::buffer(writing_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          self->writing_.clear();
          // A failed write shows in the read as well, which deals with it.
          if (!error && !self->closed_) self->write();
        });
  }

  void read() {
    socket_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t n) {
          if (self->closed_) return;
          if (error || !self->receive({self->buffer_, n})) return self->lost();
          if (!self->closed_) self->read();
        });
  }

  Status receive(std::string_view bytes) {
    reader_.append(bytes);
    while (!closed_) {
      ASSIGN_OR_RETURN(const auto message, reader_.next());
      if (!message) return {};
      if (const json::value* event = message->if_contains("event"); event && event->is_object()) {
        ASSIGN_OR_RETURN(const auto container, container_from_json(event->get_object()));
        callbacks_.on_event(container);
        continue;
      }
      const json::value* id = message->if_contains("id");
      if (!id || !id->is_number()) return fail(Reason::kBadRequest, "answer without an id");
      const auto number = static_cast<std::uint64_t>(id->is_int64() ? id->get_int64() : 0);
      const json::value* error = message->if_contains("error");
      if (error && error->is_object()) {
        finish(number, std::unexpected(error_from_json(error->get_object())));
      } else {
        finish(number, *message);
      }
    }
    return {};
  }

  void lost() {
    connected_ = false;
    boost::system::error_code ignored;
    socket_.close(ignored);
    fail_calls();
    if (!closed_) reconnect_ = loop_.after(kReconnectDelay, [this] { reconnect(); });
  }

  void reconnect() {
    socket_ = Socket(loop_.io());
    if (!connect_socket(socket_, run_dir_)) {
      reconnect_ = loop_.after(kReconnectDelay, [this] { reconnect(); });
      return;
    }
    connected_ = true;
    reader_ = FrameReader();
    outgoing_.clear();
    read();
  }

  void ended() {
    const auto self = shared_from_this();
    fail_calls();
    if (closed_) return;
    const auto on_end = std::move(callbacks_.on_end);
    close();
    on_end();
  }

  void fail_calls() {
    const auto self = shared_from_this();
    while (!calls_.empty()) {
      finish(calls_.begin()->first, fail(Reason::kUnavailable, "the Pod's supervisor is gone"));
    }
  }

  host::Loop& loop_;
  std::string run_dir_;
  asio::posix::stream_descriptor process_;
  Socket socket_;
  Callbacks callbacks_;
  bool connected_ = true;
  bool closed_ = false;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Call> calls_;
  std::string outgoing_;
  std::string writing_;
  FrameReader reader_;
  env::TimerHandle reconnect_;
  char buffer_[16 << 10];
};

Result<std::unique_ptr<ShimLink>> ShimLink::connect(host::Loop& loop, const PodPaths& paths,
                                                    Callbacks callbacks) {
  ASSIGN_OR_RETURN(ShimProcess shim, find_shim(paths.shim_pid_file()));
  auto connection =
      std::make_shared<Connection>(loop, paths.run, std::move(shim), std::move(callbacks));
  if (const Status status = connection->begin(); !status) {
    connection->close();
    return std::unexpected(status.error());
  }
  return std::unique_ptr<ShimLink>(new ShimLink(std::move(connection)));
}

ShimLink::ShimLink(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}

ShimLink::~ShimLink() { connection_->close(); }

void ShimLink::call(json::object request, Duration timeout, container::Done<json::object> done) {
  connection_->call(std::move(request), timeout, std::move(done));
}

void ShimLink::kill() { connection_->kill(); }

}  // namespace minato::linux_container
