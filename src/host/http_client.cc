#include <fmt/format.h>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "host/http.h"

namespace minato::host {
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;
namespace {

constexpr std::uint64_t kMaxBodyBytes = 1 << 20;

class Fetch final : public std::enable_shared_from_this<Fetch> {
 public:
  using Done = std::move_only_function<void(Result<HttpResponse>)>;

  Fetch(Loop& loop, std::string address, std::uint16_t port, Done done)
      : loop_(loop),
        where_(fmt::format("{}:{}", address, port)),
        address_(std::move(address)),
        port_(port),
        socket_(loop.io()),
        done_(std::move(done)) {}

  void begin(const HttpRequest& request, Duration timeout) {
    request_.method_string(request.method);
    request_.target(request.target);
    request_.version(11);
    request_.set(http::field::host, port_ == 80 ? address_ : where_);
    request_.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) request_.set(name, value);
    request_.body() = request.body;
    request_.prepare_payload();
    parser_.body_limit(kMaxBodyBytes);
    timer_ = loop_.after(timeout, [self = shared_from_this()] {
      self->finish(fail(Reason::kTimeout, self->where_ + ": no answer in time"));
    });
    ErrorCode error;
    const auto address = boost::asio::ip::make_address_v4(address_, error);
    if (error) {
      return loop_.post([self = shared_from_this()] {
        self->finish(fail(Reason::kInvalid, self->where_ + " is not an IPv4 address and port"));
      });
    }
    socket_.async_connect(tcp::endpoint(address, port_),
                          [self = shared_from_this()](const ErrorCode& failed) {
                            if (self->goes_on(failed)) self->send();
                          });
  }

 private:
  void send() {
    http::async_write(socket_, request_,
                      [self = shared_from_this()](const ErrorCode& failed, std::size_t) {
                        if (self->goes_on(failed)) self->receive();
                      });
  }
  void receive() {
    http::async_read(socket_, buffer_, parser_,
                     [self = shared_from_this()](const ErrorCode& failed, std::size_t) {
                       if (self->goes_on(failed)) self->succeed();
                     });
  }
  void succeed() {
    const auto& message = parser_.get();
    HttpResponse response{.status = static_cast<int>(message.result_int()), .headers = {}, .body = message.body()};
    for (const auto& field : message) response.headers.emplace_back(field.name_string(), field.value());
    finish(std::move(response));
  }
  bool goes_on(const ErrorCode& failed) {
    if (!done_) return false;
    if (failed) finish(fail(Reason::kUnavailable, where_ + ": " + failed.message()));
    return !failed;
  }
  void finish(Result<HttpResponse> result) {
    auto done = std::exchange(done_, nullptr);
    if (!done) return;
    timer_.cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    done(std::move(result));
  }

  Loop& loop_;
  std::string where_;
  std::string address_;
  std::uint16_t port_;
  tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  env::TimerHandle timer_;
  Done done_;
};

}  // namespace

void http_fetch(Loop& loop, const std::string& address, std::uint16_t port, HttpRequest request,
                Duration timeout, std::move_only_function<void(Result<HttpResponse>)> done) {
  std::make_shared<Fetch>(loop, address, port, std::move(done))->begin(request, timeout);
}

}  // namespace minato::host
