// A HealthCall over a socket.
#include <boost/asio/write.hpp>
#include <utility>

#include "linux_container/health_call.h"
#include "linux_container/netns_socket.h"
#include "linux_container/probe.h"

namespace minato::linux_container {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

class HealthProbe : public std::enable_shared_from_this<HealthProbe> {
 public:
  HealthProbe(const ProbeContext& context, const container::HealthCheck& request, Duration timeout,
              container::Done<container::HealthAnswer> done)
      : loop_(context.loop),
        alive_(context.alive),
        socket_(context.loop.io()),
        call_(host_and_port(request.host, request.port), request.service, timeout),
        done_(std::move(done)) {}

  void begin(const container::HealthCheck& request, const std::string& netns_path,
             Duration timeout) {
    timer_ = loop_.after(timeout, [self = shared_from_this()] {
      self->call_.time_is_up();
      self->step();
    });
    connect_socket(socket_, request.host, request.port, netns_path,
                   [self = shared_from_this()](const Status& status) {
                     if (!self->done_) return;
                     if (!status) return self->finish(std::unexpected(status.error()));
                     self->read();
                     self->step();
                   });
  }

 private:
  // After everything that has moved the call on.
  void step() {
    if (!done_) return;
    if (writing_.empty()) write(call_.output());
    if (call_.answer()) finish(*call_.answer());
  }

  void write(std::string bytes) {
    if (bytes.empty()) return;
    writing_ = std::move(bytes);
    asio::async_write(socket_, asio::buffer(writing_),
                      [self = shared_from_this()](const auto& error, std::size_t) {
                        self->writing_.clear();
                        // A failed write shows in the read as well, which deals with it.
                        if (!error) self->step();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const auto& error, std::size_t n) {
                              if (!self->done_) return;
                              if (error) {
                                self->call_.lost(error.message());
                              } else {
                                self->call_.receive({self->buffer_, n});
                                self->read();
                              }
                              self->step();
                            });
  }

  void finish(Result<container::HealthAnswer> result) {
    auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (!alive_.expired()) done(std::move(result));
  }

  host::Loop& loop_;
  std::weak_ptr<const void> alive_;
  tcp::socket socket_;
  HealthCall call_;
  container::Done<container::HealthAnswer> done_;
  env::TimerHandle timer_;
  std::string writing_;
  char buffer_[4 << 10];
};

}  // namespace

void probe_health(const ProbeContext& context, const container::HealthCheck& request,
                  Duration timeout, container::Done<container::HealthAnswer> done) {
  std::make_shared<HealthProbe>(context, request, timeout, std::move(done))
      ->begin(request, context.netns_path, timeout);
}

}  // namespace minato::linux_container
