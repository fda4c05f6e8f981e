#include "net/io_thread.h"

#include <boost/asio/post.hpp>

namespace minato::net {

IoThread::IoThread()
    : io_(1), work_(boost::asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}

IoThread::~IoThread() { stop(); }

// Boxed, because Asio copies handlers.
void IoThread::post(env::Task task) {
  boost::asio::post(io_, [box = std::make_shared<env::Task>(std::move(task))] { (*box)(); });
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  work_.reset();
  io_.stop();
  thread_.join();
  io_.restart();
  io_.poll();
}

}  // namespace minato::net
