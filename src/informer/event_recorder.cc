#include "informer/event_recorder.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/types/config.h"

namespace minato::informer {
namespace {

constexpr Duration kMergeWindow = 10min;
constexpr double kSpamBurst = 25;
constexpr double kSpamRefillPerSecond = 1.0 / 300;
constexpr std::size_t kMaxRemembered = 4096;

kube::ObjectReference reference_to(const kube::Object& about, std::string_view field_path) {
  kube::ObjectReference out;
  out.api_version = about.kind().api_version();
  out.kind = about.kind().kind;
  out.namespace_ = about.metadata.namespace_;
  out.name = about.metadata.name;
  out.uid = about.metadata.uid;
  out.resource_version = about.metadata.resource_version;
  out.field_path = field_path;
  return out;
}

}  // namespace

EventRecorder::EventRecorder(env::Env env, kube::Client& client, std::string component,
                             std::string host)
    : env_(std::move(env)), client_(client), component_(std::move(component)), host_(std::move(host)) {}

void EventRecorder::record(const kube::Object& about, std::string_view type, std::string_view reason,
                           std::string_view message, std::string_view field_path) {
  const Key key{about.metadata.uid, std::string(type), std::string(reason), std::string(message),
                std::string(field_path)};
  if (!allowed(about.metadata.uid)) return;
  const auto found = seen_.find(key);
  const MonoTime now = env_.clock.monotonic();
  if (found != seen_.end() && now - found->second.last < kMergeWindow && count_up(found->second)) {
    found->second.last = now;
    return;
  }
  write_new(about, key, field_path);
}

bool EventRecorder::allowed(const std::string& uid) {
  const MonoTime now = env_.clock.monotonic();
  if (buckets_.size() > kMaxRemembered) buckets_.clear();
  const auto [found, is_new] = buckets_.try_emplace(uid, Bucket{kSpamBurst, now});
  Bucket& bucket = found->second;
  const double seconds = to_seconds(now - bucket.refilled);
  bucket.tokens = std::min(kSpamBurst, bucket.tokens + seconds * kSpamRefillPerSecond);
  bucket.refilled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

bool EventRecorder::count_up(const Seen& seen) {
  const auto current = kube::get<kube::Event>(client_, seen.event);
  if (!current) return false;
  kube::Event event = **current;
  event.count += 1;
  event.last_timestamp = env_.clock.wall();
  return kube::update(client_, std::move(event)).has_value();
}

void EventRecorder::write_new(const kube::Object& about, const Key& key,
                              std::string_view field_path) {
  kube::Event event;
  event.metadata.namespace_ =
      about.metadata.namespace_.empty() ? "default" : about.metadata.namespace_;
  // Upstream's form: object name and a hexadecimal time; random here so that it is unique.
  event.metadata.name = fmt::format("{}.{:016x}", about.metadata.name, env_.rng.next());
  event.involved_object = reference_to(about, field_path);
  event.type = std::get<1>(key);
  event.reason = std::get<2>(key);
  event.message = std::get<3>(key);
  event.source.component = component_;
  event.source.host = host_;
  event.reporting_component = component_;
  event.reporting_instance = host_;
  event.count = 1;
  event.first_timestamp = env_.clock.wall();
  event.last_timestamp = event.first_timestamp;
  const kube::ObjectKey event_key = event.key();
  if (const auto created = kube::create(client_, std::move(event)); !created) {
    env_.log.write(env::Level::kDebug, component_, "event not recorded: " + created.error().message);
    return;
  }
  forget_old();
  seen_.insert_or_assign(key, Seen{event_key, env_.clock.monotonic()});
}

void EventRecorder::forget_old() {
  if (seen_.size() < kMaxRemembered) return;
  const MonoTime now = env_.clock.monotonic();
  std::erase_if(seen_, [&](const auto& entry) { return now - entry.second.last >= kMergeWindow; });
  if (seen_.size() >= kMaxRemembered) seen_.clear();
}

}  // namespace minato::informer
