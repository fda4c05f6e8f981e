#include "kube_http/reflector.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/strings.h"
#include "kube/json.h"
#include "kube_http/wire.h"

namespace minato::kube_http {
namespace {

namespace json = boost::json;

constexpr Duration kShortestWatch = 5min, kLongestWatch = 10min;
constexpr Duration kPageTimeout = 30s;
// Objects in a page: a Pod with its managed fields is some 15 kB, an answer at most kMaxAnswerBytes.
constexpr int kPage = 250;

const json::value* member(const json::value& value, std::string_view name) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

std::string_view text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool is_expired(const Error& error) { return is(error, Reason::kExpired) || is(error, Reason::kGone); }

}  // namespace

Result<kube::ObjectList> list_all(Transport& transport, const kube::Kind& kind, const kube::ListOptions& options,
                                  const std::function<void(const std::string&)>& trouble, std::stop_token stop) {
  kube::ObjectList out;
  std::string next;
  do {
    Call call{.target = fmt::format("{}?limit={}{}", collection_path(kind, options.namespace_), kPage, selectors(options)),
              .timeout = kPageTimeout};
    if (!next.empty()) call.target += "&continue=" + percent_encode(next);
    ASSIGN_OR_RETURN(const Answer answer, transport.send(call, {}, stop));
    if (answer.status != 200) return std::unexpected(error_of(answer, "listing " + std::string(kind.resource)));
    ASSIGN_OR_RETURN(Page page, page_of(kind, answer.body));
    for (const std::string& each : page.unreadable) trouble(fmt::format("left out of {}: {}", kind.resource, each));
    out.resource_version = page.list.resource_version;
    std::ranges::move(page.list.items, std::back_inserter(out.items));
    next = std::move(page.continue_);
  } while (!next.empty());
  std::ranges::sort(out.items, {}, [](const kube::ObjectPtr& object) { return object->key(); });
  return out;
}

Reflector::Reflector(const env::Clock& clock, std::shared_ptr<Credentials> credentials, Options options)
    : clock_(clock),
      transport_(clock, std::move(credentials)),
      options_(std::move(options)),
      version_(options_.from_version),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Reflector::run(const std::stop_token& stop) {
  End end = End::kOrdinary;
  while (!stop.stop_requested()) {
    const MonoTime begun = clock_.monotonic();
    end = end == End::kExpired ? list(stop) : watch(stop);
    if (stop.stop_requested()) break;
    note(end);
    const bool is_hasty = end == End::kOrdinary && clock_.monotonic() - begun < kShortest;
    if (end == End::kFailed || is_hasty) pause(stop);
  }
  if (is_behind_) --options_.counters->behind;
}

// Counts, and takes the back-off back once something has worked.
void Reflector::note(End end) {
  const bool is_behind = end != End::kOrdinary;
  if (end == End::kFailed) ++options_.counters->failures;
  if (is_behind != is_behind_) options_.counters->behind += is_behind ? 1 : -1;
  is_behind_ = is_behind;
}

void Reflector::pause(const std::stop_token& stop) {
  const Duration wait = options_.rng.between(next_pause_, next_pause_ * 2);
  next_pause_ = std::min(next_pause_ * 2, kLongestPause);
  std::unique_lock lock(mutex_);
  waiting_.wait_for(lock, stop, wait, [] { return false; });
}

Reflector::End Reflector::list(const std::stop_token& stop) {
  ++options_.counters->lists;
  auto found = list_all(transport_, options_.kind, options_.list, [this](const std::string& what) { tell_trouble(what); }, stop);
  if (!found) {
    if (!stop.stop_requested()) tell_trouble(fmt::format("listing {}: {}", options_.kind.resource, found.error().message));
    // What is not listed is not watched: the next turn begins here again.
    version_ = 0;
    return End::kFailed;
  }
  version_ = found->resource_version;
  options_.deliver({.events = {}, .list = std::move(*found), .trouble = {}});
  return End::kOrdinary;
}

Reflector::End Reflector::watch(const std::stop_token& stop) {
  if (version_ == 0) return End::kExpired;
  ++options_.counters->connections;
  partial_.clear();
  const Duration timeout = options_.rng.between(kShortestWatch, kLongestWatch);
  const Call call{.target = fmt::format("{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}{}",
                                        collection_path(options_.kind, options_.list.namespace_), version_,
                                        timeout / 1s, selectors(options_.list))};
  End end = End::kOrdinary;
  const auto answer = transport_.send(call, [&](std::string_view piece) { return take(piece, end); }, stop);
  if (stop.stop_requested() || end != End::kOrdinary) return end;
  if (!answer) {
    tell_trouble(fmt::format("watching {}: {}", options_.kind.resource, answer.error().message));
    return End::kFailed;
  }
  if (answer->status == 200) return End::kOrdinary;
  const Error error = error_of(*answer, fmt::format("watching {}", options_.kind.resource));
  if (is_expired(error)) return End::kExpired;
  tell_trouble(error.message);
  return End::kFailed;
}

Status Reflector::take(std::string_view piece, End& end) {
  Received out;
  partial_ += piece;
  std::size_t begin = 0;
  for (std::size_t stop = partial_.find('\n'); stop != std::string::npos && end == End::kOrdinary;
       stop = partial_.find('\n', begin)) {
    take_line(std::string_view(partial_).substr(begin, stop - begin), out, end);
    begin = stop + 1;
  }
  partial_.erase(0, begin);
  if (!out.events.empty()) {
    options_.counters->events += out.events.size();
    options_.deliver(std::move(out));
  }
  if (end != End::kOrdinary) return fail(Reason::kAborted, "the watch is over");
  if (partial_.size() <= kMaxAnswerBytes) return {};
  end = End::kFailed;
  return fail(Reason::kInvalid, "an event is too large");
}

void Reflector::take_line(std::string_view line, Received& out, End& end) {
  if (line.empty()) return;
  const auto value = kube::parse_json(line);
  const json::value* object = value ? member(*value, "object") : nullptr;
  if (object == nullptr) {
    tell_trouble(fmt::format("watching {}: a line is no event", options_.kind.resource));
    end = End::kFailed;
    return;
  }
  next_pause_ = kFirstPause;
  const std::string_view type = text_of(member(*value, "type"));
  if (type == "ERROR") {
    const json::value* code = member(*object, "code");
    const int status = code != nullptr && code->is_int64() ? static_cast<int>(code->get_int64()) : 0;
    const Error error = error_of({.status = status, .body = json::serialize(*object), .retry_after = {}}, "watching");
    end = is_expired(error) ? End::kExpired : End::kFailed;
    if (end == End::kFailed) tell_trouble(fmt::format("watching {}: {}", options_.kind.resource, error.message));
    return;
  }
  const json::value* metadata = member(*object, "metadata");
  const std::uint64_t version = metadata == nullptr ? 0 : version_of(text_of(member(*metadata, "resourceVersion")));
  if (version != 0) version_ = version;
  if (type == "BOOKMARK") return;
  auto read = object_of(options_.kind, *object);
  if (!read) return tell_trouble(fmt::format("left out of {}: {}", options_.kind.resource, read.error().message));
  const auto kind = type == "ADDED"     ? kube::WatchEventType::kAdded
                    : type == "DELETED" ? kube::WatchEventType::kDeleted
                                        : kube::WatchEventType::kModified;
  out.events.push_back({kind, std::move(*read), version});
}

void Reflector::tell_trouble(const std::string& what) {
  options_.deliver({.events = {}, .list = {}, .trouble = what});
}

}  // namespace minato::kube_http
