#include "apiserver/remote_channels.h"

#include <algorithm>

#include "apiserver/spdy.h"
#include "apiserver/websocket.h"
#include "base/strings.h"

namespace minato::apiserver {
namespace {

constexpr std::string_view kVersion5 = "v5.channel.k8s.io";
constexpr std::string_view kVersion4 = "v4.channel.k8s.io";
constexpr unsigned char kCloseChannel = 255;

class WebSocketChannels final : public RemoteChannels {
 public:
  WebSocketChannels(std::shared_ptr<Duplex> duplex, const WantedChannels& wanted)
      : socket_(std::make_shared<WebSocket>(std::move(duplex))), wanted_(wanted) {}
  ~WebSocketChannels() override {
    if (!finished_) socket_->abort();
  }

  void start(Events events) override {
    events_ = std::move(events);
    socket_->start([this](std::string_view message) { receive(message); }, events_.closed);
    socket_->on_drained(events_.drained);
    // Clients wait for a first message, by which they know that they are through.
    send(wanted_.output  ? Channel::kStdout
         : wanted_.error ? Channel::kStderr
                         : Channel::kError,
         {});
    events_.ready();
  }
  void send(Channel channel, std::string_view bytes) override {
    socket_->send(std::string(1, static_cast<char>(channel)).append(bytes));
  }
  std::size_t pending_bytes() const override { return socket_->pending_bytes(); }
  void set_reading(Duplex::Reading reading) override { socket_->set_reading(reading); }
  void finish() override {
    finished_ = true;
    // The socket lives on until the client has said goodbye too; we do not.
    socket_->start([](std::string_view) {}, nullptr);
    socket_->on_drained(nullptr);
    socket_->close();
  }

 private:
  void receive(std::string_view message) {
    if (message.empty()) return;
    const auto number = static_cast<unsigned char>(message[0]);
    if (number == kCloseChannel) {
      if (message.size() > 1 && message[1] == static_cast<char>(Channel::kStdin))
        events_.ended(Channel::kStdin);
      return;
    }
    if (number < kChannels) events_.data(static_cast<Channel>(number), message.substr(1));
  }

  std::shared_ptr<WebSocket> socket_;
  WantedChannels wanted_;
  Events events_;
  bool finished_ = false;
};

class SpdyChannels final : public RemoteChannels {
 public:
  SpdyChannels(std::shared_ptr<Duplex> duplex, const WantedChannels& wanted)
      : duplex_(std::move(duplex)),
        missing_(1 + (wanted.input ? 1 : 0) + (wanted.output ? 1 : 0) +
                 (wanted.error && !wanted.terminal ? 1 : 0) + (wanted.terminal ? 1 : 0)),
        session_({.send = [this](std::string_view bytes) { duplex_->write(bytes); },
                  .opened = [this](auto stream, const auto& headers) { opened(stream, headers); },
                  .data = [this](auto stream, auto bytes) { events_.data(of(stream), bytes); },
                  .input_ended = [this](auto stream) { events_.ended(of(stream)); },
                  .reset = [](auto) {}}) {}
  ~SpdyChannels() override {
    duplex_->on_data(nullptr);
    duplex_->on_close(nullptr);
    duplex_->on_drained(nullptr);
    finished_ ? duplex_->end() : duplex_->abort();
  }

  void start(Events events) override {
    events_ = std::move(events);
    duplex_->on_close(events_.closed);
    duplex_->on_drained(events_.drained);
    duplex_->on_data([this](std::string_view bytes) {
      if (session_.receive(bytes)) return;
      // The callback drops us, and with us this function.
      const auto closed = events_.closed;
      closed();
    });
  }
  void send(Channel channel, std::string_view bytes) override {
    const auto it = std::ranges::find(streams_, channel, &Opened::channel);
    if (it != streams_.end()) session_.write(it->stream, bytes);
  }
  std::size_t pending_bytes() const override { return duplex_->pending_bytes(); }
  void set_reading(Duplex::Reading reading) override { duplex_->set_reading(reading); }
  void finish() override {
    finished_ = true;
    for (const Opened& opened : streams_) session_.finish(opened.stream);
  }

 private:
  struct Opened {
    SpdySession::StreamId stream;
    Channel channel;
  };
  void opened(SpdySession::StreamId stream, const SpdySession::HeaderMap& headers) {
    const auto type = headers.find("streamtype");
    const std::string name = type == headers.end() ? "" : type->second;
    const Channel channel = name == "stdin"    ? Channel::kStdin
                            : name == "stdout" ? Channel::kStdout
                            : name == "stderr" ? Channel::kStderr
                            : name == "resize" ? Channel::kResize
                                               : Channel::kError;
    streams_.push_back({stream, channel});
    if (--missing_ == 0) events_.ready();
  }
  Channel of(SpdySession::StreamId stream) const {
    const auto it = std::ranges::find(streams_, stream, &Opened::stream);
    return it == streams_.end() ? Channel::kError : it->channel;
  }

  std::shared_ptr<Duplex> duplex_;
  int missing_;
  std::vector<Opened> streams_;
  Events events_;
  bool finished_ = false;
  SpdySession session_;
};

}  // namespace

bool wants_spdy(const HttpRequest& request) {
  return to_lower(request.header("Upgrade")) == "spdy/3.1";
}

WantedChannels wanted_channels(const Url& url) {
  WantedChannels out{url.flag("stdin"), url.flag("stdout"), url.flag("stderr"), url.flag("tty")};
  if (out.terminal) out.error = false;  // A terminal has one output.
  return out;
}

std::unique_ptr<RemoteChannels> open_channels(const CallPtr& call, const WantedChannels& wanted) {
  const HttpRequest& request = call->request;
  if (wants_spdy(request)) {
    return std::make_unique<SpdyChannels>(
        call->exchange->upgrade({{"Connection", "Upgrade"},
                                 {"Upgrade", "SPDY/3.1"},
                                 {"X-Stream-Protocol-Version", std::string(kVersion4)}}),
        wanted);
  }
  const auto refuse = [&](std::string message) {
    call->fail({Reason::kBadRequest, std::move(message)});
    return nullptr;
  };
  if (!wants_websocket(request)) return refuse("Upgrade request required");
  const auto offered = websocket_protocols(request);
  std::string_view chosen;
  for (const std::string_view known : {kVersion5, kVersion4}) {
    if (chosen.empty() && std::ranges::find(offered, known) != offered.end()) chosen = known;
  }
  if (chosen.empty()) return refuse("unable to upgrade: the subprotocol v4 or v5.channel.k8s.io is needed");
  auto headers = websocket_answer(request, chosen);
  if (!headers) return refuse(headers.error().message);
  return std::make_unique<WebSocketChannels>(call->exchange->upgrade(std::move(*headers)), wanted);
}

}  // namespace minato::apiserver
