#include "linux_container/sessions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <cerrno>
#include <cstring>

#include "linux_container/netns_socket.h"
#include "linux_container/oci_runtime.h"
#include "linux_container/protocol.h"

namespace minato::linux_container {
namespace asio = boost::asio;
namespace json = boost::json;
namespace {

using ErrorCode = boost::system::error_code;
using container::Streams;
constexpr Duration kForEver = 24h * 365;
constexpr Duration kConnectTimeout = 30s;

class Handle : public Streams {
 public:
  explicit Handle(std::shared_ptr<FdStreams> streams) : streams_(std::move(streams)) {}
  ~Handle() override { streams_->close(); }
  void write(std::string_view bytes) override { streams_->write(bytes); }
  std::size_t pending_bytes() const override { return streams_->pending_bytes(); }
  void close_input() override { streams_->close_input(); }
  void resize(std::uint16_t columns, std::uint16_t rows) override {
    streams_->resize(columns, rows);
  }
  void set_reading(Reading reading) override { streams_->set_reading(reading); }

 private:
  std::shared_ptr<FdStreams> streams_;
};

// A listening socket by which descriptors arrive, once.
class Rendezvous : public std::enable_shared_from_this<Rendezvous> {
 public:
  explicit Rendezvous(host::Loop& loop) : listening_(loop.io()), connection_(loop.io()) {}
  ~Rendezvous() {
    if (dir_) ::unlinkat(dir_.get(), name_.c_str(), 0);
  }

  Status listen(const std::string& dir, const std::string& name) {
    dir_ = host::Fd(::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!dir_) return fail_errno("opening " + dir, errno);
    name_ = name;
    const std::string path = fmt::format("/proc/self/fd/{}/{}", dir_.get(), name);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    host::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 1) != 0) {
      return fail_errno("listening on " + name, errno);
    }
    listening_.assign(fd.release());
    return {};
  }

  void wait(std::function<void(std::vector<host::Fd>)> then) {
    then_ = std::move(then);
    listening_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const ErrorCode& error) {
                            if (!error) self->accepted();
                          });
  }
  void close() {
    ErrorCode ignored;
    listening_.close(ignored);
    connection_.close(ignored);
    then_ = nullptr;
  }

 private:
  void accepted() {
    const int fd = ::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || !then_) return;
    connection_.assign(fd);
    connection_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const ErrorCode& error) {
                             if (!error) self->receive();
                           });
  }

  void receive() {
    char bytes[256];
    alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
    iovec content{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(connection_.native_handle(), &message, MSG_CMSG_CLOEXEC);
    std::vector<host::Fd> out;
    const cmsghdr* const head = n < 0 ? nullptr : CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_type == SCM_RIGHTS) {
      for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= head->cmsg_len; at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, reinterpret_cast<const char*>(head) + at, sizeof fd);
        out.emplace_back(fd);
      }
    }
    const auto then = std::exchange(then_, nullptr);
    close();
    if (then) then(std::move(out));
  }

  asio::posix::stream_descriptor listening_, connection_;
  host::Fd dir_;
  std::string name_;
  std::function<void(std::vector<host::Fd>)> then_;
};

using Fds = std::vector<host::Fd>;

FdStreams::Ends ends_of_pipes(Fds fds) {
  FdStreams::Ends out;
  if (!fds.empty()) out.output = std::move(fds[0]);
  if (fds.size() > 1) out.error = std::move(fds[1]);
  if (fds.size() > 2) out.input = std::move(fds[2]);
  return out;
}

FdStreams::Ends ends_of_terminal(Fds fds) {
  FdStreams::Ends out;
  if (fds.empty()) return out;
  out.output = std::move(fds[0]);
  out.input = host::Fd(::fcntl(out.output.get(), F_DUPFD_CLOEXEC, 0));
  return out;
}

// The shim reads the terminal itself and passes on what it reads.
FdStreams::Ends ends_of_shared_terminal(Fds fds) {
  FdStreams::Ends out;
  if (!fds.empty()) out.output = std::move(fds[0]);
  if (fds.size() > 1) out.input = std::move(fds[1]);
  return out;
}

class CommandHandle final : public Handle {
 public:
  CommandHandle(std::shared_ptr<FdStreams> streams, std::shared_ptr<Rendezvous> rendezvous,
                SessionPlace place)
      : Handle(streams),
        watched_(std::move(streams)),
        rendezvous_(std::move(rendezvous)),
        place_(std::move(place)) {}
  ~CommandHandle() override {
    rendezvous_->close();
    const auto link = place_.link.lock();
    if (!link || !watched_->is_open()) return;
    link->call({{"op", "endSession"}, {"socket", place_.socket}}, kConnectTimeout,
               [](const Result<json::object>&) {});
  }

 private:
  std::shared_ptr<FdStreams> watched_;
  std::shared_ptr<Rendezvous> rendezvous_;
  SessionPlace place_;
};

void finish(FdStreams& streams, const Result<json::object>& answer) {
  if (!answer) return streams.finish(std::unexpected(answer.error()));
  const container::ExecResult result = exec_result_from_json(*answer);
  // Only what could not run on a terminal has something to say here.
  if (!result.output.empty()) streams.say(Streams::Output::kStdout, result.output + "\r\n");
  streams.finish(result.exit_code);
}

constexpr auto kTerminal = FdStreams::Kind::kTerminal;
constexpr auto kCommand = FdStreams::Kind::kCommand;

// Asks the shim for `request` and makes streams of the descriptors that it sends.
Result<std::unique_ptr<Streams>> open_streams(SessionPlace place, FdStreams::Kind kind,
                                              json::object request,
                                              FdStreams::Ends (*ends_of)(Fds),
                                              Streams::Events events) {
  const auto rendezvous = std::make_shared<Rendezvous>(place.loop);
  RETURN_IF_ERROR(rendezvous->listen(place.run_dir, place.socket));
  const auto link = place.link.lock();
  if (!link) return fail(Reason::kUnavailable, "the Pod's supervisor is gone");
  const auto streams = std::make_shared<FdStreams>(place.loop, kind, Streams::Events{});
  events.done = [streams = streams.get(), done = std::move(events.done)](Result<int> code) mutable {
    if (code && *code == kNotStarted) code = start_failure(streams->first_error()).exit_code;
    done(std::move(code));
  };
  streams->set_events(std::move(events));
  rendezvous->wait([weak = std::weak_ptr(streams), ends_of](Fds fds) {
    if (const auto open = weak.lock()) open->open(ends_of(std::move(fds)));
  });
  request["key"] = place.container;
  request["socket"] = place.socket;
  link->call(std::move(request), kForEver,
             [weak = std::weak_ptr(streams)](const Result<json::object>& answer) {
               if (const auto open = weak.lock()) finish(*open, answer);
             });
  return std::make_unique<CommandHandle>(streams, rendezvous, std::move(place));
}

}  // namespace

Result<std::unique_ptr<Streams>> open_session(SessionPlace place, container::CommandOptions options,
                                              Streams::Events events) {
  json::array args;
  for (const std::string& arg : options.command) args.emplace_back(arg);
  return open_streams(std::move(place), options.terminal ? kTerminal : kCommand,
                      {{"op", "session"},
                       {"command", std::move(args)},
                       {"terminal", options.terminal ? 1 : 0},
                       {"input", options.input ? 1 : 0}},
                      options.terminal ? &ends_of_terminal : &ends_of_pipes, std::move(events));
}

Result<std::unique_ptr<Streams>> open_attach(SessionPlace place, container::AttachOptions options,
                                             Streams::Events events) {
  return open_streams(std::move(place), options.terminal ? kTerminal : kCommand,
                      {{"op", "attach"}, {"input", options.input ? 1 : 0}},
                      options.terminal ? &ends_of_shared_terminal : &ends_of_pipes,
                      std::move(events));
}

Result<std::unique_ptr<Streams>> connect_port(host::Loop& loop, const std::string& netns_path,
                                              std::uint16_t port, Streams::Events events) {
  auto socket = std::make_shared<asio::ip::tcp::socket>(loop.io());
  RETURN_IF_ERROR(open_socket(*socket, asio::ip::tcp::v4(), netns_path));
  const auto streams =
      std::make_shared<FdStreams>(loop, FdStreams::Kind::kSocket, std::move(events));
  socket->async_connect(
      {asio::ip::address_v4::loopback(), port},
      [weak = std::weak_ptr(streams), socket, port](const ErrorCode& error) {
        const auto open = weak.lock();
        if (!open) return;
        if (error) {
          return open->finish(fail(
              Reason::kUnavailable,
              fmt::format("connecting to port {} in the pod: {}", port, error.message())));
        }
        ErrorCode ignored;
        host::Fd output(socket->release(ignored));
        host::Fd input(::fcntl(output.get(), F_DUPFD_CLOEXEC, 0));
        open->open({std::move(input), std::move(output), {}});
      });
  return std::make_unique<Handle>(streams);
}

}  // namespace minato::linux_container
