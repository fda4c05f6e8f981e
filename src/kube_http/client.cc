#include "kube_http/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "kube/json.h"
#include "kube/types/node.h"
#include "kube_http/wire.h"

namespace minato::kube_http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxListed = 32;  // Lists that wait for their watch.
constexpr std::string_view kComponent = "kube-client";

class HttpWatch final : public kube::Watch {
 public:
  HttpWatch(std::shared_ptr<Feed> feed, std::unique_ptr<Reflector> reflector)
      : feed_(std::move(feed)), reflector_(std::move(reflector)) {}

 private:
  std::shared_ptr<Feed> feed_;  // Turns that are still to come find it gone.
  std::unique_ptr<Reflector> reflector_;
};

std::string selection_of(const kube::ListOptions& options) { return options.namespace_ + selectors(options); }

bool is_write(std::string_view verb) { return verb != "get" && verb != "list" && verb != "watch"; }

}  // namespace

HttpClient::HttpClient(env::Env env, std::shared_ptr<Credentials> credentials, Options options)
    : env_(env.fork("kube-client")),
      credentials_(std::move(credentials)),
      options_(std::move(options)),
      transport_(env_.clock, credentials_) {}

HttpClient::~HttpClient() = default;

HttpClient::Statistics HttpClient::statistics() const {
  Statistics out = statistics_;
  out.watch_events = counters_->events;
  out.watch_connections = counters_->connections;
  out.watch_lists = counters_->lists;
  out.watch_failures = counters_->failures;
  out.watches_behind = counters_->behind;
  return out;
}

// ---- Calls.

Result<Answer> HttpClient::send(const Access& access, const Call& call) {
  RETURN_IF_ERROR(breaker_.admit(env_.clock.monotonic()));
  if (is_write(access.verb) && options_.may_write) RETURN_IF_ERROR(options_.may_write());
  const MonoTime begun = env_.clock.monotonic();
  Result<Answer> answer = transport_.send(call);
  note(access, answer, begun);
  if (!answer) return std::unexpected(std::move(answer).error());
  if (answer->status / 100 == 2) return answer;
  return std::unexpected(error_of(*answer, fmt::format("{} {}", call.method, call.target)));
}

void HttpClient::note(const Access& access, const Result<Answer>& answer, MonoTime begun) {
  const MonoTime now = env_.clock.monotonic();
  ++statistics_.calls;
  statistics_.waited += now - begun;
  if (!answer) {
    ++statistics_.failed_calls;
    const bool is_network = is(answer.error(), Reason::kUnavailable) || is(answer.error(), Reason::kTimeout);
    if (is_network) breaker_.unreachable(now, answer.error().message);
    return;
  }
  if (answer->status >= 500) ++statistics_.failed_calls;
  // A budget's 429 is about one Pod, not about us.
  const bool is_busy = (answer->status == 429 && access.subresource != "eviction") || answer->status == 503;
  const auto wait = is_busy ? retry_after_of(*answer) : std::nullopt;
  if (wait) return breaker_.asked_for_patience(now, *wait, "it asks for patience");
  breaker_.answered();
}

Result<kube::ObjectPtr> HttpClient::write(const Access& access, const Call& call) {
  ASSIGN_OR_RETURN(const Answer answer, send(access, call));
  ASSIGN_OR_RETURN(const json::value value, kube::parse_json(answer.body));
  ASSIGN_OR_RETURN(kube::ObjectPtr object, object_of(access.kind, value));
  std::erase_if(feeds_, [](const std::weak_ptr<Feed>& feed) { return feed.expired(); });
  const std::vector<std::weak_ptr<Feed>> feeds = feeds_;
  for (const std::weak_ptr<Feed>& weak : feeds) {
    const auto feed = weak.lock();
    if (feed && feed->kind() == access.kind) feed->wrote(object);
  }
  return object;
}

// ---- Reads.

Result<kube::ObjectPtr> HttpClient::get(const kube::Kind& kind, const kube::ObjectKey& key) {
  ASSIGN_OR_RETURN(const Answer answer, send({"get", kind}, {.target = object_path(kind, key), .timeout = options_.timeout}));
  ASSIGN_OR_RETURN(const json::value value, kube::parse_json(answer.body));
  return object_of(kind, value);
}

kube::ListOptions HttpClient::scoped(const kube::Kind& kind, kube::ListOptions options) const {
  for (const auto& [narrowed, scope] : options_.scopes) {
    if (*narrowed != kind) continue;
    if (!scope.namespace_.empty()) options.namespace_ = scope.namespace_;
    std::ranges::copy(scope.fields, std::back_inserter(options.fields));
    std::ranges::copy(scope.excluded_fields, std::back_inserter(options.excluded_fields));
    if (!scope.labels.matches_everything()) options.labels = scope.labels;
  }
  return options;
}

Result<kube::ObjectList> HttpClient::list(const kube::Kind& kind, const kube::ListOptions& asked) {
  const kube::ListOptions options = scoped(kind, asked);
  RETURN_IF_ERROR(breaker_.admit(env_.clock.monotonic()));
  const MonoTime begun = env_.clock.monotonic();
  auto found = list_all(transport_, kind, options, [this](const std::string& what) {
    env_.log.write(env::Level::kError, kComponent, what);
  });
  ++statistics_.calls;
  statistics_.waited += env_.clock.monotonic() - begun;
  if (!found) {
    ++statistics_.failed_calls;
    const bool is_network = is(found.error(), Reason::kUnavailable) || is(found.error(), Reason::kTimeout);
    if (is_network) breaker_.unreachable(env_.clock.monotonic(), found.error().message);
    return found;
  }
  breaker_.answered();
  listed_.push_back({&kind, selection_of(options), *found});
  if (listed_.size() > kMaxListed) listed_.pop_front();
  return found;
}

std::vector<kube::ObjectPtr> HttpClient::take_listed(const kube::Kind& kind, const std::string& selection,
                                                     std::uint64_t version, bool& found) {
  const auto listed = std::ranges::find_if(listed_, [&](const Listed& each) {
    return *each.kind == kind && each.selection == selection && each.list.resource_version == version;
  });
  found = listed != listed_.end();
  if (!found) return {};
  std::vector<kube::ObjectPtr> out = std::move(listed->list.items);
  listed_.erase(listed);
  return out;
}

Result<std::unique_ptr<kube::Watch>> HttpClient::watch(const kube::Kind& kind, const kube::ListOptions& asked,
                                                       std::uint64_t from_version, kube::WatchSink sink) {
  const kube::ListOptions options = scoped(kind, asked);
  bool is_listed = false;
  const auto present = take_listed(kind, selection_of(options), from_version, is_listed);
  if (!is_listed) {
    return fail(Reason::kExpired, fmt::format("no list of {} ended at version {}: list them first", kind.group_resource(), from_version));
  }
  auto feed = std::make_shared<Feed>(kind, options, std::move(sink), present);
  feeds_.push_back(feed);
  // The thread knows the loop and the log, not the client.
  const auto deliver = [weak = std::weak_ptr(feed), &executor = env_.executor, &log = env_.log](Received received) {
    executor.post_from_thread([weak, &log, received = std::move(received)] {
      const auto live = weak.lock();
      if (!live) return;
      if (!received.trouble.empty()) log.write(env::Level::kWarning, kComponent, received.trouble);
      if (received.list) live->replace(*received.list);
      for (const kube::WatchEvent& event : received.events) live->apply(event);
    });
  };
  auto reflector = std::make_unique<Reflector>(
      env_.clock, credentials_,
      Reflector::Options{.kind = kind,
                         .list = options,
                         .from_version = from_version,
                         .rng = env_.rng.fork(fmt::format("watch/{}/{}", kind.group_resource(), ++watches_made_)),
                         .counters = counters_,
                         .deliver = deliver});
  return std::make_unique<HttpWatch>(std::move(feed), std::move(reflector));
}

// ---- Writes.

Result<kube::ObjectPtr> HttpClient::create(std::unique_ptr<kube::Object> object) {
  const kube::Kind& kind = object->kind();
  return write({"create", kind}, {.method = "POST",
                                  .target = collection_path(kind, object->metadata.namespace_),
                                  .body = kube::to_json(*object),
                                  .timeout = options_.timeout});
}

Result<kube::ObjectPtr> HttpClient::update(std::unique_ptr<kube::Object> object, kube::Subresource subresource) {
  const kube::Kind& kind = object->kind();
  const std::string_view part = subresource_name(subresource);
  return write({"update", kind, part}, {.method = "PUT",
                                        .target = object_path(kind, object->key(), part),
                                        .body = kube::to_json(*object),
                                        .timeout = options_.timeout});
}

Result<kube::ObjectPtr> HttpClient::patch(const kube::Kind& kind, const kube::ObjectKey& key, kube::PatchType type,
                                          std::string_view body, kube::Subresource subresource) {
  const std::string_view part = subresource_name(subresource);
  return write({"patch", kind, part}, {.method = "PATCH",
                                       .target = object_path(kind, key, part),
                                       .body = std::string(body),
                                       .content_type = std::string(content_type(type)),
                                       .timeout = options_.timeout});
}

Status HttpClient::remove(const kube::Kind& kind, const kube::ObjectKey& key, const kube::RemoveOptions& options) {
  const auto answer = send({"delete", kind}, {.method = "DELETE",
                                              .target = object_path(kind, key),
                                              .body = json::serialize(delete_options(options)),
                                              .timeout = options_.timeout});
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Status HttpClient::evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) {
  const kube::Kind& kind = kube::Pod::static_kind();
  const json::object body{{"apiVersion", "policy/v1"},
                          {"kind", "Eviction"},
                          {"metadata", {{"name", pod.name}, {"namespace", pod.namespace_}}},
                          {"deleteOptions", delete_options(options)}};
  const auto answer = send({"create", kind, "eviction"}, {.method = "POST",
                                                          .target = object_path(kind, pod, "eviction"),
                                                          .body = json::serialize(body),
                                                          .timeout = options_.timeout});
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Status HttpClient::bind(const kube::ObjectKey& pod, const std::string& uid, const std::string& node) {
  const kube::Kind& kind = kube::Pod::static_kind();
  const json::object body{{"apiVersion", "v1"},
                          {"kind", "Binding"},
                          {"metadata", {{"name", pod.name}, {"namespace", pod.namespace_}, {"uid", uid}}},
                          {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", node}}}};
  const auto answer = send({"create", kind, "binding"}, {.method = "POST",
                                                         .target = object_path(kind, pod, "binding"),
                                                         .body = json::serialize(body),
                                                         .timeout = options_.timeout});
  if (!answer) return std::unexpected(answer.error());
  return {};
}

}  // namespace minato::kube_http
