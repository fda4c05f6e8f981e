#include "apiserver/remote.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "apiserver/remote_channels.h"
#include "kube/types/pod.h"

namespace minato::apiserver {

using container::Streams;

namespace {

std::string exit_status(const Result<int>& code) {
  if (!code) return failure_status({Reason::kInternalError, code.error().message}, {});
  if (*code == 0) return R"({"metadata":{},"status":"Success"})";
  return fmt::format(
      R"({{"metadata":{{}},"status":"Failure","message":"command terminated with non-zero exit )"
      R"(code: exit code {0}","reason":"NonZeroExitCode","details":{{"causes":[{{"reason":)"
      R"("ExitCode","message":"{0}"}}]}}}})",
      *code);
}

// A command (or a log) and its client. Holds itself until either ends.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  using Opener = std::function<Result<std::unique_ptr<Streams>>(Streams::Events)>;
  Conversation(std::unique_ptr<RemoteChannels> channels, env::Executor& executor, Opener open)
      : channels_(std::move(channels)), executor_(executor), open_(std::move(open)) {}

  void start() {
    self_ = shared_from_this();
    channels_->start({.ready = [this] { begin(); },
                      .data = [this](Channel channel, std::string_view bytes) {
                        receive(channel, bytes);
                      },
                      .ended =
                          [this](Channel channel) {
                            if (channel == Channel::kStdin && streams_) streams_->close_input();
                          },
                      .closed = [this] { drop(); },
                      .drained = [this] { set_output(Streams::Reading::kGo); }});
  }

 private:
  void begin() {
    auto opened = open_({.output = [this](Streams::Output output, std::string_view bytes) {
                           send(output, bytes);
                         },
                         .drained =
                             [this] {
                               if (channels_) channels_->set_reading(Duplex::Reading::kGo);
                             },
                         .done = [this](const Result<int>& code) { done(code); }});
    if (!opened) return done(std::unexpected(opened.error()));
    streams_ = std::move(*opened);
  }

  void receive(Channel channel, std::string_view bytes) {
    if (!streams_) return;
    if (channel == Channel::kStdin) {
      streams_->write(bytes);
      if (streams_->pending_bytes() > Remote::kPendingBytes)
        channels_->set_reading(Duplex::Reading::kPause);
    } else if (channel == Channel::kResize) {
      resize(bytes);
    }
  }

  void resize(std::string_view text) {
    boost::system::error_code error;
    const auto value = boost::json::parse(text, error);
    if (error || !value.is_object()) return;
    const auto side = [&](std::string_view name) {
      const auto* number = value.get_object().if_contains(name);
      const bool good = number != nullptr && number->is_int64() && number->get_int64() > 0 &&
                        number->get_int64() < 65'536;
      return good ? static_cast<std::uint16_t>(number->get_int64()) : std::uint16_t{0};
    };
    if (side("Width") > 0 && side("Height") > 0) streams_->resize(side("Width"), side("Height"));
  }

  void send(Streams::Output output, std::string_view bytes) {
    if (!channels_) return;
    channels_->send(output == Streams::Output::kStdout ? Channel::kStdout : Channel::kStderr,
                    bytes);
    if (channels_->pending_bytes() > Remote::kPendingBytes) set_output(Streams::Reading::kPause);
  }

  void set_output(Streams::Reading reading) {
    if (streams_) streams_->set_reading(reading);
  }

  void done(const Result<int>& code) {
    if (!channels_) return;
    channels_->send(Channel::kError, exit_status(code));
    channels_->finish();
    drop();
  }

  // Either side may be calling us: they go in a turn of their own.
  void drop() {
    executor_.post([self = std::exchange(self_, nullptr)] {
      if (!self) return;
      self->streams_.reset();
      self->channels_.reset();
    });
  }

  std::unique_ptr<RemoteChannels> channels_;
  env::Executor& executor_;
  Opener open_;
  std::unique_ptr<Streams> streams_;
  std::shared_ptr<Conversation> self_;  // Until drop().
};

// A container has a standard input and a terminal, or not, whatever the client would like.
container::AttachOptions attach_options(const kube::Pod& pod, std::string_view name,
                                        const WantedChannels& wanted) {
  for (const auto* containers : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const kube::Container& container : *containers) {
      if (container.name == name) return {container.tty, wanted.input && container.stdin};
    }
  }
  for (const kube::EphemeralContainer& container : pod.spec.ephemeral_containers) {
    const kube::EphemeralContainerCommon& common = container.ephemeral_container_common;
    if (common.name == name) return {common.tty, wanted.input && common.stdin};
  }
  return {};
}

}  // namespace

Result<kube::ObjectPtr> Remote::running_pod(const Call& call) const {
  ASSIGN_OR_RETURN(const kube::ObjectPtr object, registry_.get(call.kind(), call.key()));
  const auto& pod = kube::as<kube::Pod>(*object);
  const std::string& phase = pod.status.phase;
  if (phase == "Succeeded" || phase == "Failed") {
    return minato::fail(
        Reason::kBadRequest,
        fmt::format("cannot exec into a container in a completed pod; current phase is {}", phase));
  }
  if (pod.spec.node_name.empty()) {
    return minato::fail(Reason::kBadRequest,
                        fmt::format("pod {} does not have a host assigned", pod.metadata.name));
  }
  return object;
}

void Remote::exec(const CallPtr& call) {
  const auto object = running_pod(*call);
  if (!object) return call->fail(object.error());
  if (!streams_.command) return call->fail({Reason::kUnavailable, "this world runs no commands"});
  const auto container =
      chosen_container(kube::as<kube::Pod>(**object), call->url.parameter("container"));
  if (!container) return call->fail(container.error());
  const WantedChannels wanted = wanted_channels(call->url);
  container::CommandOptions options{call->url.all("command"), wanted.terminal, wanted.input};
  if (options.command.empty()) {
    return call->fail({Reason::kBadRequest, "you must specify at least one command"});
  }
  auto channels = open_channels(call, wanted);
  if (!channels) return;
  std::make_shared<Conversation>(
      std::move(channels), env_.executor,
      [this, pod = *object, container = *container, options](Streams::Events events) {
        return streams_.command(kube::as<kube::Pod>(*pod), container, options, std::move(events));
      })
      ->start();
}

void Remote::attach(const CallPtr& call) {
  const auto object = running_pod(*call);
  if (!object) return call->fail(object.error());
  if (!streams_.attach) return call->fail({Reason::kUnavailable, "this world runs no containers"});
  const auto& pod = kube::as<kube::Pod>(**object);
  const auto container = chosen_container(pod, call->url.parameter("container"));
  if (!container) return call->fail(container.error());
  const WantedChannels wanted = wanted_channels(call->url);
  const container::AttachOptions options = attach_options(pod, *container, wanted);
  auto channels = open_channels(call, wanted);
  if (!channels) return;
  std::make_shared<Conversation>(
      std::move(channels), env_.executor,
      [this, pod = *object, container = *container, options](Streams::Events events) {
        return streams_.attach(kube::as<kube::Pod>(*pod), container, options, std::move(events));
      })
      ->start();
}

}  // namespace minato::apiserver
