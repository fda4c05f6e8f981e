#include "haproxy/testing_backend.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace minato::haproxy {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

class TestingBackend::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(TestingBackend& backend, tcp::socket socket)
      : backend_(backend), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->handle();
                     });
  }

 private:
  void handle() {
    const std::string path(request_.target());
    int status = 200;
    if (path == "/healthz") {
      backend_.health_checks_++;
      backend_.check_host_ = std::make_shared<std::string>(request_[http::field::host]);
      status = backend_.health_;
    } else {
      backend_.requests_++;
    }
    if (path == "/503") status = 503;
    if (path == "/close") return;
    if (path != "/slow") {
      answer(status);
      return;
    }
    timer_.expires_after(std::chrono::milliseconds(700));
    timer_.async_wait([self = shared_from_this()](beast::error_code) { self->answer(200); });
  }

  void answer(int status) {
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(status));
    response_.body() = "target: " + backend_.name_ + "\n";
    for (const auto& field : request_) {
      response_.body() += std::string(field.name_string()) + ": ";
      response_.body() += std::string(field.value()) + "\n";
    }
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_.keep_alive()) self->read();
                      });
  }

  TestingBackend& backend_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

TestingBackend::TestingBackend(std::string name, const std::string& ip, std::uint16_t port)
    : name_(std::move(name)) {
  const tcp::endpoint endpoint(boost::asio::ip::make_address(ip), port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
  accept();
  thread_ = std::jthread([this] { io_.run(); });
}

TestingBackend::~TestingBackend() {
  io_.stop();
  thread_.join();
}

std::string TestingBackend::check_host() const {
  const std::shared_ptr<std::string> host = check_host_;
  return host ? *host : "";
}

void TestingBackend::accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(*this, std::move(socket))->read();
    accept();
  });
}

}  // namespace minato::haproxy
