// Remote's port-forward: SPDY, directly or inside a WebSocket; for each connection of the client's
// a stream for data and one for what went wrong.
// Rules: k8s.io/kubelet pkg/cri/streaming/portforward; KEP-4006.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apiserver/remote.h"
#include "apiserver/remote_channels.h"
#include "apiserver/spdy.h"
#include "apiserver/websocket.h"
#include "base/strings.h"
#include "kube/types/pod.h"

namespace minato::apiserver {

using container::Streams;

namespace {

constexpr std::string_view kProtocol = "portforward.k8s.io";
constexpr std::string_view kTunnel = "SPDY/3.1+portforward.k8s.io";

// The bytes of the SPDY connection, whatever carries them.
struct Carrier {
  std::function<void(std::string_view)> send;
  std::function<std::size_t()> pending_bytes;
  std::function<void(Duplex::Reading)> set_reading;
  std::function<void()> abort;
};

class PortForward : public std::enable_shared_from_this<PortForward> {
 public:
  using Opener =
      std::function<Result<std::unique_ptr<Streams>>(std::uint16_t, Streams::Events)>;
  PortForward(Carrier carrier, env::Executor& executor, Opener open)
      : carrier_(std::move(carrier)),
        executor_(executor),
        open_(std::move(open)),
        session_({.send = [this](std::string_view bytes) { carrier_.send(bytes); },
                  .opened = [this](auto id, const auto& headers) { opened(id, headers); },
                  .data = [this](auto id, auto bytes) { data(id, bytes); },
                  .input_ended = [this](auto id) { input_ended(id); },
                  .reset = [this](auto id) { over(id); }}) {}

  void receive(std::string_view bytes) {
    const auto self = shared_from_this();
    if (!closed_ && !session_.receive(bytes)) {
      carrier_.abort();
      close();
    }
  }
  void drained() {
    for (auto& [id, connection] : connections_) {
      if (connection->streams) connection->streams->set_reading(Streams::Reading::kGo);
    }
  }
  void close() {
    closed_ = true;
    // One of them may be calling us.
    executor_.post([self = shared_from_this()] { self->connections_.clear(); });
  }

 private:
  using StreamId = SpdySession::StreamId;
  struct Connection {
    StreamId data = 0, error = 0;
    std::unique_ptr<Streams> streams;
  };

  void opened(StreamId id, const SpdySession::HeaderMap& headers) {
    const auto value = [&](const char* name) {
      const auto it = headers.find(name);
      return it == headers.end() ? std::string() : it->second;
    };
    const std::string request = value("requestid");
    if (value("streamtype") == "error") {
      errors_[request] = id;
      return;
    }
    const auto error = errors_.extract(request);
    const auto port = parse_int(value("port"));
    if (error.empty() || !port || *port < 1 || *port > 65'535) return session_.reset(id);
    auto connection = std::make_shared<Connection>();
    connection->data = id;
    connection->error = error.mapped();
    connections_[id] = connection;
    open(connection, static_cast<std::uint16_t>(*port));
  }

  void open(const std::shared_ptr<Connection>& connection, std::uint16_t port) {
    const StreamId id = connection->data;
    auto streams = open_(
        port, {.output =
                   [this, id](Streams::Output, std::string_view bytes) {
                     session_.write(id, bytes);
                     if (carrier_.pending_bytes() > Remote::kPendingBytes) pause(id);
                   },
               .drained = [this] { carrier_.set_reading(Duplex::Reading::kGo); },
               .done = [this, id](const Result<int>& result) { done(id, result); }});
    if (!streams) return done(id, std::unexpected(streams.error()));
    connection->streams = std::move(*streams);
  }

  void pause(StreamId id) {
    const auto it = connections_.find(id);
    if (it != connections_.end() && it->second->streams)
      it->second->streams->set_reading(Streams::Reading::kPause);
  }

  void data(StreamId id, std::string_view bytes) {
    const auto it = connections_.find(id);
    if (it == connections_.end() || !it->second->streams) return;
    it->second->streams->write(bytes);
    if (it->second->streams->pending_bytes() > Remote::kPendingBytes)
      carrier_.set_reading(Duplex::Reading::kPause);
  }

  void input_ended(StreamId id) {
    const auto it = connections_.find(id);
    if (it != connections_.end() && it->second->streams) it->second->streams->close_input();
  }

  void done(StreamId id, const Result<int>& result) {
    const auto it = connections_.find(id);
    if (it == connections_.end()) return;
    if (!result) session_.write(it->second->error, result.error().message);
    session_.finish(it->second->error);
    session_.finish(id);
    over(id);
  }

  void over(StreamId id) {
    const auto node = connections_.extract(id);
    if (node.empty()) return;
    carrier_.set_reading(Duplex::Reading::kGo);
    executor_.post([connection = node.mapped()] {});  // Its streams may be calling us.
  }

  Carrier carrier_;
  env::Executor& executor_;
  Opener open_;
  bool closed_ = false;
  std::map<std::string, StreamId> errors_;  // By request; waiting for their data stream.
  std::map<StreamId, std::shared_ptr<Connection>> connections_;
  SpdySession session_;
};

void run_on_duplex(const std::shared_ptr<Duplex>& duplex, env::Executor& executor,
                   PortForward::Opener open) {
  Carrier carrier{.send = [duplex](std::string_view bytes) { duplex->write(bytes); },
                  .pending_bytes = [duplex] { return duplex->pending_bytes(); },
                  .set_reading = [duplex](Duplex::Reading to) { duplex->set_reading(to); },
                  .abort = [duplex] { duplex->abort(); }};
  const auto forward =
      std::make_shared<PortForward>(std::move(carrier), executor, std::move(open));
  duplex->on_data([forward](std::string_view bytes) { forward->receive(bytes); });
  duplex->on_drained([forward] { forward->drained(); });
  duplex->on_close([forward] { forward->close(); });
}

void run_on_websocket(const std::shared_ptr<Duplex>& duplex, env::Executor& executor,
                      PortForward::Opener open) {
  const auto socket = std::make_shared<WebSocket>(duplex);
  Carrier carrier{.send = [socket](std::string_view bytes) { socket->send(bytes); },
                  .pending_bytes = [socket] { return socket->pending_bytes(); },
                  .set_reading = [socket](Duplex::Reading to) { socket->set_reading(to); },
                  .abort = [socket] { socket->abort(); }};
  const auto forward =
      std::make_shared<PortForward>(std::move(carrier), executor, std::move(open));
  socket->on_drained([forward] { forward->drained(); });
  socket->start([forward](std::string_view bytes) { forward->receive(bytes); },
                [forward] { forward->close(); });
}

}  // namespace

void Remote::port_forward(const CallPtr& call) {
  const auto object = running_pod(*call);
  if (!object) return call->fail(object.error());
  if (!streams_.port) return call->fail({Reason::kUnavailable, "this world has no connections"});
  auto open = [this, pod = *object](std::uint16_t port, Streams::Events events) {
    return streams_.port(kube::as<kube::Pod>(*pod), port, std::move(events));
  };
  if (wants_spdy(call->request)) {
    return run_on_duplex(
        call->exchange->upgrade({{"Connection", "Upgrade"},
                                 {"Upgrade", "SPDY/3.1"},
                                 {"X-Stream-Protocol-Version", std::string(kProtocol)}}),
        env_.executor, std::move(open));
  }
  const auto offered = websocket_protocols(call->request);
  if (!wants_websocket(call->request) || std::ranges::find(offered, kTunnel) == offered.end()) {
    return call->fail({Reason::kBadRequest, "Upgrade request required"});
  }
  auto headers = websocket_answer(call->request, kTunnel);
  if (!headers) return call->fail(headers.error());
  run_on_websocket(call->exchange->upgrade(std::move(*headers)), env_.executor, std::move(open));
}

}  // namespace minato::apiserver
