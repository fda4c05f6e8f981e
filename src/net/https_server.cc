#include "net/https_server.h"

#include <algorithm>

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
  for (std::size_t i = 0; i < std::max<std::size_t>(options_.threads, 1); ++i)
    lanes_.push_back({std::make_shared<IoThread>(), {}});
  acceptor_.assign(tcp::v4(), listening.release());
  accept();
  sweep();
}

HttpsServer::~HttpsServer() {
  alive_.reset();
  const auto all = std::exchange(connections_, {});
  for (const ConnectionPtr& connection : all) connection->close();
  for (const Lane& lane : lanes_) lane.thread->stop();
}

void HttpsServer::accept() {
  if (accepting_ || draining_ || connections_.size() >= options_.limits.connections) return;
  accepting_ = true;
  acceptor_.async_accept(
      [this, alive = std::weak_ptr(alive_)](const ErrorCode& error, tcp::socket socket) {
        if (!alive.lock()) return;
        accepting_ = false;
        if (error == boost::asio::error::operation_aborted) return;
        if (error || !take_in(std::move(socket))) return accept_later();
        accept();
      });
}

// From the loop to the thread whose turn it is.
bool HttpsServer::take_in(tcp::socket accepted) {
  const IoThreadPtr& thread = lanes_[next_lane_++ % lanes_.size()].thread;
  IoThread::Socket socket(thread->io());
  ErrorCode error;
  host::Fd file(accepted.release(error));
  if (!error) socket.assign(tcp::v4(), file.get(), error);
  if (error) return false;
  static_cast<void>(file.release());
  auto connection = std::make_shared<Connection>(*this, thread, std::move(socket));
  connections_.insert(connection);
  connection->start();
  return true;
}

void HttpsServer::accept_later() {
  accept_timer_ = loop_.after(kAcceptRetry, [this] { accept(); });
}

void HttpsServer::closed(const ConnectionPtr& connection) {
  connections_.erase(connection);
  if (alive_) accept();
}

void HttpsServer::deliver(ConnectionPtr connection, env::Task task) {
  const auto lane = std::ranges::find(lanes_, connection->thread(), &Lane::thread);
  lane->waiting.push_back({std::move(connection), std::move(task)});
  if (std::exchange(is_delivering_soon_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) deliver_all();
  });
}

void HttpsServer::deliver_all() {
  is_delivering_soon_ = false;
  const Status committed = options_.before_send ? options_.before_send() : Status{};
  for (Lane& lane : lanes_) {
    auto all = std::exchange(lane.waiting, {});
    if (all.empty()) continue;
    if (!committed) {
      for (const Delivery& delivery : all) delivery.connection->close();
      continue;
    }
    lane.thread->post([all = std::move(all)]() mutable {
      for (Delivery& delivery : all) delivery.task();
      for (const Delivery& delivery : all) delivery.connection->send();
    });
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
  for (const ConnectionPtr& connection : all) connection->drain();
}

}  // namespace minato::net
