#include "apiserver/watches.h"

#include <fmt/format.h>

#include <deque>

#include "base/strings.h"
#include "kube/json.h"

namespace minato::apiserver {
namespace {

constexpr std::size_t kEventsPerPiece = 256;

std::string_view type_text(kube::WatchEventType type) {
  switch (type) {
    case kube::WatchEventType::kAdded: return "ADDED";
    case kube::WatchEventType::kModified: return "MODIFIED";
    case kube::WatchEventType::kDeleted: return "DELETED";
  }
  return "ERROR";
}

std::string event_text(std::string_view type, std::string_view object) {
  std::string out;
  out.reserve(object.size() + 32);
  out += "{\"type\":\"";
  out += type;
  out += "\",\"object\":";
  out += object;
  out += "}\n";
  return out;
}

std::string bookmark_text(const kube::Kind& kind, const Accepted& accepted, std::uint64_t version,
                          bool ends_initial) {
  const std::string metadata =
      fmt::format(R"({{"resourceVersion":"{}","creationTimestamp":null{}}})", version,
                  ends_initial ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "");
  switch (accepted.view) {
    case View::kTable:
      return event_text(
          "BOOKMARK",
          fmt::format(
              R"({{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"{}"}},"columnDefinitions":[],"rows":[{{"cells":[],"object":{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{}}}}}]}})",
              version, metadata));
    case View::kPartialMetadata:
      return event_text(
          "BOOKMARK",
          fmt::format(
              R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{}}})",
              metadata));
    case View::kObject: break;
  }
  return event_text("BOOKMARK", fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{}}})",
                                            kind.kind, kind.api_version(), metadata));
}

// What a watch begins with.
struct Start {
  bool initial_events = false;
  bool initial_bookmark = false;
  std::uint64_t from_version = 0;
};

Result<Start> read_start(const Call& call, std::uint64_t present) {
  const std::string_view version = call.url.parameter("resourceVersion");
  const std::string_view match = call.url.parameter("resourceVersionMatch");
  const bool says = call.url.has("sendInitialEvents");
  if (call.url.has("continue")) {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: continue is for lists, not for watches");
  }
  if (says && match != "NotOlderThan") {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                        "resourceVersionMatch to NotOlderThan");
  }
  if (!says && !match.empty()) {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for "
                        "watch unless sendInitialEvents is provided");
  }
  std::int64_t wanted = 0;
  if (!version.empty()) {
    const auto number = parse_int(version);
    if (!number || *number < 0) {
      return minato::fail(
          Reason::kBadRequest,
          fmt::format("resourceVersion: Invalid value: \"{}\": must be a number", version));
    }
    wanted = *number;
  }
  if (static_cast<std::uint64_t>(wanted) > present && says) {
    return minato::fail(Reason::kTimeout, fmt::format("Too large resource version: {}, current: {}",
                                                      wanted, present));
  }
  Start out;
  out.initial_events = says ? call.url.flag("sendInitialEvents") : wanted == 0;
  out.initial_bookmark = says && out.initial_events && call.url.flag("allowWatchBookmarks");
  out.from_version = wanted == 0 ? present : static_cast<std::uint64_t>(wanted);
  return out;
}

}  // namespace

class Watches::Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(Watches& owner, std::uint64_t id, const kube::Kind& kind, Accepted accepted,
          bool bookmarks, std::shared_ptr<Stream> stream)
      : owner_(owner),
        id_(id),
        kind_(kind),
        accepted_(accepted),
        bookmarks_(bookmarks),
        stream_(std::move(stream)) {
    stream_->on_close([&owner, id] { owner.close(id); });
  }

  Status start(const kube::ListOptions& options, const Start& from, Duration timeout) {
    std::uint64_t version = from.from_version;
    if (from.initial_events) {
      ASSIGN_OR_RETURN(kube::ObjectList found, owner_.registry_.list(kind_, options));
      initial_ = std::move(found.items);
      version = found.resource_version;
      initial_version_ = from.initial_bookmark ? version : 0;
      in_initial_ = true;
    }
    ASSIGN_OR_RETURN(
        watch_, owner_.registry_.watch(kind_, options, version,
                                       [this](const kube::WatchEvent& event) { on_event(event); }));
    timer_ = owner_.env_.executor.after(timeout, [this] { end(); });
    if (in_initial_) {
      stream_->on_drained([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->write_initial();
      });
      write_initial();
    }
    return {};
  }

  void bookmark() {
    if (!bookmarks_ || in_initial_ || !watch_) return;
    stream_->write(
        bookmark_text(kind_, accepted_, owner_.registry_.store().resource_version(), false));
  }
  // Lets go of the client: nothing is called any more.
  void stop() {
    watch_.reset();
    timer_.cancel();
    stream_->on_close(nullptr);
    stream_->on_drained(nullptr);
  }
  void end() {
    bookmark();
    stop();
    stream_->end();
    owner_.close(id_);
  }
  Stream& stream() { return *stream_; }
  const kube::Kind& kind() const { return kind_; }

 private:
  void on_event(const kube::WatchEvent& event) {
    if (overflowed_) return;
    if (in_initial_) {
      queued_.push_back(event);
      if (queued_.size() > owner_.limits_.queued_events) overflow();
      return;
    }
    write(event);
  }

  void write(const kube::WatchEvent& event) {
    stream_->write(*owner_.encode(event, kind_, accepted_));
    if (stream_->pending_bytes() > owner_.limits_.pending_bytes) overflow();
  }

  // From inside somebody's write: the end comes in a turn of its own.
  void overflow() {
    overflowed_ = true;
    queued_.clear();
    owner_.env_.executor.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->stop();
      self->stream_->abort();
      self->owner_.close(self->id_);
    });
  }

  void write_initial() {
    if (!in_initial_ || overflowed_) return;
    std::string text;
    const std::size_t stop_at = std::min(initial_.size(), next_ + kEventsPerPiece);
    for (; next_ < stop_at; ++next_) {
      text += event_text("ADDED", encode_object(shown_as(kind_, initial_[next_]), owner_.registry_.store(),
                                                accepted_, owner_.env_.clock.wall()));
    }
    if (next_ < initial_.size()) return stream_->write(text);
    if (initial_version_ != 0) text += bookmark_text(kind_, accepted_, initial_version_, true);
    in_initial_ = false;
    initial_ = {};
    stream_->on_drained(nullptr);
    if (!text.empty()) stream_->write(text);
    for (const kube::WatchEvent& event : std::exchange(queued_, {})) write(event);
  }

  Watches& owner_;
  const std::uint64_t id_;
  const kube::Kind& kind_;
  const Accepted accepted_;
  const bool bookmarks_;
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<kube::Watch> watch_;
  env::TimerHandle timer_;
  std::vector<kube::ObjectPtr> initial_;
  std::size_t next_ = 0;
  std::uint64_t initial_version_ = 0;
  std::deque<kube::WatchEvent> queued_;
  bool in_initial_ = false;
  bool overflowed_ = false;
};

Watches::Watches(env::Env env, registry::Registry& registry, WatchLimits limits)
    : env_(std::move(env)), registry_(registry), limits_(limits) {
  bookmark_timer_ = env_.executor.after(limits_.bookmark_interval, [this] { send_bookmarks(); });
}

Watches::~Watches() {
  for (const auto& [id, watcher] : std::exchange(watchers_, {})) {
    watcher->stop();
    watcher->stream().end();
  }
}

std::shared_ptr<const std::string> Watches::encode(const kube::WatchEvent& event,
                                                   const kube::Kind& kind,
                                                   const Accepted& accepted) {
  Encoded& last = encoded_[accepted];
  if (last.object != event.object || last.type != event.type || last.kind != &kind || !last.text) {
    last = {event.object, event.type, &kind,
            std::make_shared<const std::string>(event_text(
                type_text(event.type),
                encode_object(shown_as(kind, event.object), registry_.store(), accepted, env_.clock.wall())))};
  }
  return last.text;
}

void Watches::send_bookmarks() {
  for (const auto& [id, watcher] : watchers_) watcher->bookmark();
  bookmark_timer_ = env_.executor.after(limits_.bookmark_interval, [this] { send_bookmarks(); });
}

void Watches::close(std::uint64_t id) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  const auto watcher = found->second;
  watchers_.erase(found);
  watcher->stop();
}

void Watches::end_unserved(const Catalogue& catalogue) {
  std::vector<std::shared_ptr<Watcher>> ended;
  for (const auto& [id, watcher] : watchers_) {
    const kube::Kind& kind = watcher->kind();
    if (!kind.custom) continue;
    const ServedPtr served = catalogue.find(kind.group, kind.version, kind.resource);
    if (!served || served->stored != &kind) ended.push_back(watcher);
  }
  for (const auto& watcher : ended) watcher->end();
}

void Watches::open(const CallPtr& call) {
  const auto accepted = negotiate(call->request, call->url);
  if (!accepted) {
    return call->answer(failure(406, "NotAcceptable",
                                "only the following media types are accepted: application/json"));
  }
  if (watchers_.size() >= limits_.watchers) {
    return call->fail(
        {Reason::kTooManyRequests, fmt::format("too many watches: {} are open", watchers_.size())});
  }
  const auto options = list_options(*call);
  if (!options) return call->fail(options.error());
  const auto start = read_start(*call, registry_.store().resource_version());
  if (!start) return call->fail(start.error());
  Duration timeout = env_.rng.between(limits_.shortest_default, 2 * limits_.shortest_default);
  if (const std::string_view text = call->url.parameter("timeoutSeconds"); !text.empty()) {
    const auto seconds = parse_int(text);
    if (!seconds || *seconds < 0 || *seconds > 1'000'000) {
      return call->fail({Reason::kBadRequest,
                         fmt::format("timeoutSeconds \"{}\" is not a number of seconds", text)});
    }
    if (*seconds > 0) timeout = std::chrono::seconds(*seconds);
  }
  const std::uint64_t id = next_id_++;
  // Errors of the selectors are answered as such; those of the version come as an event, as clients
  // expect.
  if (const Status valid = registry_.check_options(call->kind(), *options); !valid)
    return call->fail(valid.error());
  const auto watcher =
      std::make_shared<Watcher>(*this, id, call->kind(), *accepted,
                                call->url.flag("allowWatchBookmarks"), call->exchange->stream({}));
  watchers_.emplace(id, watcher);
  if (const Status started = watcher->start(*options, *start, timeout); !started) {
    watcher->stream().write(event_text("ERROR", failure_status(started.error())));
    watcher->stop();
    watcher->stream().end();
    watchers_.erase(id);
  }
}

}  // namespace minato::apiserver
