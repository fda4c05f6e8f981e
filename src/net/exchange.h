// apiserver::Exchange and Stream over a connection. Private to net; loop thread only.
#pragma once

#include "net/connection.h"

namespace minato::net {

class HttpsServer::StreamOnConnection final : public apiserver::Duplex {
 public:
  explicit StreamOnConnection(ConnectionPtr connection) : connection_(std::move(connection)) {}
  // Whoever drops a stream without an end has failed: the client is to notice.
  ~StreamOnConnection() override { abort(); }

  void write(std::string_view bytes) override {
    if (connection_) connection_->write(bytes);
  }
  std::size_t pending_bytes() const override {
    return connection_ ? connection_->pending_bytes() : 0;
  }
  void on_drained(std::function<void()> callback) override {
    if (connection_) connection_->on_drained(std::move(callback));
  }
  void on_close(std::function<void()> callback) override {
    if (connection_) connection_->on_close(std::move(callback));
  }
  void on_data(std::function<void(std::string_view)> callback) override {
    if (connection_) connection_->on_data(std::move(callback));
  }
  void set_reading(Reading reading) override {
    if (connection_) connection_->set_reading(reading);
  }
  void end() override {
    if (const auto connection = std::exchange(connection_, nullptr)) connection->finish_answer();
  }
  void abort() override {
    const auto connection = std::exchange(connection_, nullptr);
    if (!connection) return;
    connection->on_close(nullptr);
    connection->close();
  }

 private:
  ConnectionPtr connection_;  // Null after end() or abort(): it may serve another request by then.
};

class HttpsServer::ExchangeOnConnection final : public apiserver::Exchange {
 public:
  explicit ExchangeOnConnection(ConnectionPtr connection) : connection_(std::move(connection)) {}
  ~ExchangeOnConnection() override {
    if (connection_) answer({.status = 500, .content_type = "text/plain", .body = "no answer\n"});
  }
  void answer(apiserver::HttpAnswer answer) override {
    if (const auto connection = std::exchange(connection_, nullptr))
      connection->begin_answer(std::move(answer), Body::kWhole);
  }
  std::shared_ptr<apiserver::Stream> stream(apiserver::HttpAnswer head) override {
    if (connection_) connection_->begin_answer(std::move(head), Body::kStreamed);
    return std::make_shared<StreamOnConnection>(std::exchange(connection_, nullptr));
  }
  std::shared_ptr<apiserver::Duplex> upgrade(apiserver::Headers headers) override {
    if (connection_) connection_->begin_upgrade(std::move(headers));
    return std::make_shared<StreamOnConnection>(std::exchange(connection_, nullptr));
  }

 private:
  ConnectionPtr connection_;
};

}  // namespace minato::net
