#include "net/https_server.h"

#include "net/connection.h"

namespace minato::net {

using boost::asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr Duration kSweepInterval = 1s;
constexpr Duration kAcceptRetry = 100ms;  // After an error such as "too many open files".

}  // namespace

HttpsServer::HttpsServer(host::Loop& loop, host::Fd listening,
                         std::shared_ptr<boost::asio::ssl::context> tls,
                         apiserver::HttpHandler handler, Options options)
    : loop_(loop),
      tls_(std::move(tls)),
      handler_(std::move(handler)),
      options_(std::move(options)),
      acceptor_(loop.io()),
      alive_(std::make_shared<bool>(true)) {
  acceptor_.assign(tcp::v4(), listening.release());
  accept();
  sweep();
}

HttpsServer::~HttpsServer() {
  alive_.reset();
  const auto all = std::exchange(connections_, {});
  for (const ConnectionPtr& connection : all) connection->close();
}

void HttpsServer::accept() {
  if (accepting_ || draining_ || connections_.size() >= options_.limits.connections) return;
  accepting_ = true;
  acceptor_.async_accept(
      [this, alive = std::weak_ptr(alive_)](const ErrorCode& error, tcp::socket socket) {
        if (!alive.lock()) return;
        accepting_ = false;
        if (error == boost::asio::error::operation_aborted) return;
        if (error) return accept_later();
        auto connection = std::make_shared<Connection>(*this, std::move(socket));
        connections_.insert(connection);
        connection->start();
        accept();
      });
}

void HttpsServer::accept_later() {
  accept_timer_ = loop_.after(kAcceptRetry, [this] { accept(); });
}

void HttpsServer::closed(const ConnectionPtr& connection) {
  connections_.erase(connection);
  if (alive_) accept();
}

void HttpsServer::send_soon(const ConnectionPtr& connection) {
  sending_.push_back(connection);
  if (sending_.size() > 1) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) send_all();
  });
}

void HttpsServer::send_all() {
  const auto all = std::exchange(sending_, {});
  const Status committed = options_.before_send ? options_.before_send() : Status{};
  for (const ConnectionPtr& connection : all) {
    if (committed) {
      connection->send();
    } else {
      connection->close();
    }
  }
}

void HttpsServer::sweep() {
  const MonoTime now = loop_.monotonic();
  const auto all = connections_;
  for (const ConnectionPtr& connection : all) {
    if (connection->is_overdue(now)) connection->close();
  }
  sweep_timer_ = loop_.after(kSweepInterval, [this] { sweep(); });
}

void HttpsServer::drain() {
  draining_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  const auto all = connections_;
  for (const ConnectionPtr& connection : all) connection->close_if_idle();
}

}  // namespace minato::net
