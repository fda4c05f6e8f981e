#include "linux_container/probe.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>

#include "linux_container/netns_socket.h"

namespace minato::linux_container {
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;
using asio::ip::tcp;
namespace {

constexpr std::size_t kMaxBodyBytes = 10 << 10;  // As upstream's pkg/probe/http.
constexpr std::uint32_t kMaxHeaderBytes = 64 << 10;

// One probe: connects, and with a request sends it and reads the answer.
class Probe : public std::enable_shared_from_this<Probe> {
 public:
  Probe(const ProbeContext& context, container::Done<container::HttpResponse> done)
      : loop_(context.loop),
        alive_(context.alive),
        socket_(context.loop.io()),
        done_(std::move(done)) {}

  void begin(const std::string& host, std::uint16_t port, const std::string& netns_path,
             Duration timeout) {
    target_ = host_and_port(host, port);
    timer_ = loop_.after(timeout, [self = shared_from_this()] {
      self->finish(fail(Reason::kTimeout, self->target_ + ": no answer in time"));
    });
    connect_socket(socket_, host, port, netns_path,
                   [self = shared_from_this()](const Status& status) { self->connected(status); });
  }

  void set_request(const container::HttpRequest& wanted) {
    request_.emplace(http::verb::get, wanted.path.empty() ? "/" : wanted.path, 11);
    const bool default_port = wanted.port == (wanted.https ? 443 : 80);
    // As upstream: a probe asks whether the container answers, not who it is.
    if (wanted.https) {
      tls_context_.emplace(ssl::context::tls_client);
      tls_.emplace(socket_, *tls_context_).set_verify_mode(ssl::verify_none);
    }
    request_->set(http::field::host,
                  default_port ? wanted.host : fmt::format("{}:{}", wanted.host, wanted.port));
    request_->set(http::field::user_agent, "kube-probe/1.32");
    request_->set(http::field::accept, "*/*");
    for (const auto& [name, value] : wanted.headers) request_->set(name, value);
    request_->set(http::field::connection, "close");
  }

 private:
  void connected(const Status& status) {
    if (!done_) return;
    if (!status) return finish(std::unexpected(status.error()));
    if (!request_) return finish(container::HttpResponse{});
    if (!tls_) return send();
    tls_->async_handshake(ssl::stream_base::client,
                          [self = shared_from_this()](const auto& failure) {
                            if (!self->done_) return;
                            if (failure) return self->failed(failure);
                            self->send();
                          });
  }

  // Calls with the stream that HTTP is spoken over.
  template <class Use>
  void on_stream(Use use) {
    if (tls_) {
      use(*tls_);
    } else {
      use(socket_);
    }
  }

  void send() {
    on_stream([this](auto& stream) {
      http::async_write(stream, *request_,
                        [self = shared_from_this()](const auto& failure, std::size_t) {
                          if (!self->done_) return;
                          if (failure) return self->failed(failure);
                          self->read_header();
                        });
    });
  }

  void read_header() {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(boost::none);  // The body is cut, not refused.
    parser_.eager(true);
    read_some();
  }

  void read_some() {
    on_stream([this](auto& stream) {
      http::async_read_some(stream, buffer_, parser_,
                            [self = shared_from_this()](const auto& failure, std::size_t) {
                              if (self->done_) self->received(failure);
                            });
    });
  }

  void received(const boost::system::error_code& error) {
    const bool informational = parser_.is_header_done() && parser_.get().result_int() < 200;
    const bool enough = parser_.is_done() || parser_.get().body().size() >= kMaxBodyBytes;
    if (parser_.is_header_done() && !informational && (enough || error)) {
      std::string body = std::move(parser_.get().body());
      if (body.size() > kMaxBodyBytes) body.resize(kMaxBodyBytes);
      return finish(
          container::HttpResponse{static_cast<int>(parser_.get().result_int()), std::move(body)});
    }
    if (error) return failed(error);
    if (parser_.is_done()) {
      return finish(fail(Reason::kUnavailable, target_ + ": only an informational answer"));
    }
    read_some();
  }

  void failed(const boost::system::error_code& error) {
    finish(fail(Reason::kUnavailable, fmt::format("{}: {}", target_, error.message())));
  }

  void finish(Result<container::HttpResponse> result) {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (!alive_.expired()) done(std::move(result));
  }

  host::Loop& loop_;
  std::weak_ptr<const void> alive_;
  tcp::socket socket_;
  std::optional<ssl::context> tls_context_;
  std::optional<ssl::stream<tcp::socket&>> tls_;  // Over socket_.
  container::Done<container::HttpResponse> done_;
  std::string target_;
  env::TimerHandle timer_;
  std::optional<http::request<http::empty_body>> request_;
  boost::beast::flat_static_buffer<kMaxHeaderBytes> buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

void probe_http(const ProbeContext& context, container::HttpRequest request, Duration timeout,
                container::Done<container::HttpResponse> done) {
  auto probe = std::make_shared<Probe>(context, std::move(done));
  probe->set_request(request);
  probe->begin(request.host, request.port, context.netns_path, timeout);
}

void probe_tcp(const ProbeContext& context, const std::string& host, std::uint16_t port,
               Duration timeout, container::DoneStatus done) {
  auto probe = std::make_shared<Probe>(
      context, [done = std::move(done)](Result<container::HttpResponse> result) mutable {
        done(result ? Status{} : Status(std::unexpected(std::move(result).error())));
      });
  probe->begin(host, port, context.netns_path, timeout);
}

}  // namespace minato::linux_container
