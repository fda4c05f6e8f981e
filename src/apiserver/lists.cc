#include "apiserver/lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/custom_kind.h"
#include "kube/json.h"

namespace minato::apiserver {
namespace {

constexpr std::size_t kItemsPerPiece = 256;
constexpr std::string_view kExpired =
    "The provided continue parameter is too old to display a consistent list result. You must "
    "start a new list without the continue parameter.";

std::string query_of(const Call& call) {
  return fmt::format("{}\n{}\n{}", call.info.namespace_, call.url.parameter("labelSelector"),
                     call.url.parameter("fieldSelector"));
}

Result<std::size_t> limit_of(const Call& call) {
  const std::string_view text = call.url.parameter("limit");
  if (text.empty()) return 0;
  const auto limit = parse_int(text);
  if (!limit)
    return minato::fail(Reason::kBadRequest,
                        fmt::format("limit \"{}\" is not a number of objects", text));
  return static_cast<std::size_t>(std::max<std::int64_t>(*limit, 0));
}

// Makes the body piece by piece, each when the client has taken the one before.
class Body : public std::enable_shared_from_this<Body> {
 public:
  Body(std::shared_ptr<Stream> stream, std::string head, std::string tail,
       std::shared_ptr<const std::vector<kube::ObjectPtr>> items, std::size_t begin,
       std::size_t end, std::function<void(std::string&, const kube::Object&)> append)
      : stream_(std::move(stream)),
        text_(std::move(head)),
        tail_(std::move(tail)),
        items_(std::move(items)),
        next_(begin),
        end_(end),
        append_(std::move(append)) {}

  void start() {
    stream_->on_drained([self = shared_from_this()] { self->write_piece(); });
    stream_->on_close([self = shared_from_this()] { self->stop(); });
    write_piece();
  }

 private:
  void write_piece() {
    if (!stream_) return;
    const std::size_t stop_at = std::min(end_, next_ + kItemsPerPiece);
    for (; next_ < stop_at; ++next_) {
      if (has_item_) text_ += ',';
      has_item_ = true;
      append_(text_, *(*items_)[next_]);
    }
    const bool last = next_ == end_;
    if (last) text_ += tail_;
    stream_->write(std::exchange(text_, {}));
    if (!last) return;
    stream_->end();
    stop();
  }
  void stop() {
    stream_.reset();
    items_.reset();
  }

  std::shared_ptr<Stream> stream_;
  std::string text_, tail_;
  std::shared_ptr<const std::vector<kube::ObjectPtr>> items_;
  std::size_t next_, end_;
  bool has_item_ = false;
  std::function<void(std::string&, const kube::Object&)> append_;
};

}  // namespace

std::string list_metadata(std::uint64_t resource_version, std::string_view next,
                          std::int64_t remaining) {
  std::string out = fmt::format(R"({{"resourceVersion":"{}")", resource_version);
  if (!next.empty()) out += fmt::format(R"(,"continue":"{}")", next);
  if (remaining > 0) out += fmt::format(R"(,"remainingItemCount":{})", remaining);
  return out + "}";
}

void Lists::get(const CallPtr& call) {
  if (!negotiate(call->request, call->url)) {
    return call->answer(failure(406, "NotAcceptable",
                                "only the following media types are accepted: application/json"));
  }
  const auto found = registry_.get(call->kind(), call->key());
  if (!found) return call->fail(found.error());
  call->answer_object(*found, registry_.store(), env_.clock.wall());
}

// What of a list's parameters is for watches or says nothing.
Status Lists::check_parameters(const Call& call, const Accepted& accepted) {
  const std::string_view include = call.url.parameter("includeObject");
  const bool is_known = include.empty() || include == "None" || include == "Metadata" || include == "Object";
  if (accepted.view == View::kTable && !is_known) {
    return minato::fail(Reason::kBadRequest,
                        fmt::format("includeObject: Invalid value: \"{}\": must be 'Metadata', "
                                    "'Object', 'None', or empty", include));
  }
  if (const std::string_view text = call.url.parameter("timeoutSeconds"); !text.empty()) {
    const auto seconds = parse_int(text);
    if (!seconds) return minato::fail(Reason::kBadRequest, "timeoutSeconds: " + seconds.error().message);
  }
  if (call.url.has("sendInitialEvents")) {
    return minato::fail(Reason::kInvalid,
                        "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list");
  }
  if (call.url.has("continue") && !call.url.parameter("resourceVersionMatch").empty()) {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when "
                        "continue is provided");
  }
  return {};
}

Status Lists::check_version(const Call& call) const {
  const std::string_view version = call.url.parameter("resourceVersion");
  const std::string_view match = call.url.parameter("resourceVersionMatch");
  if (!match.empty() && version.empty()) {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
                        "resourceVersion is provided");
  }
  if (!match.empty() && match != "Exact" && match != "NotOlderThan") {
    return minato::fail(Reason::kInvalid,
                        fmt::format("resourceVersionMatch: Unsupported value: \"{}\": supported "
                                    "values: \"Exact\", \"NotOlderThan\"",
                                    match));
  }
  if (version.empty()) return {};
  const auto wanted = parse_int(version);
  if (!wanted || *wanted < 0) {
    return minato::fail(
        Reason::kBadRequest,
        fmt::format("resourceVersion: Invalid value: \"{}\": must be a number", version));
  }
  const auto present = static_cast<std::int64_t>(registry_.store().resource_version());
  if (match == "Exact" && *wanted == 0) {
    return minato::fail(Reason::kInvalid,
                        "resourceVersionMatch: Forbidden: resourceVersionMatch \"Exact\" is "
                        "forbidden for resourceVersion \"0\"");
  }
  if (*wanted > present) {
    return minato::fail(Reason::kTimeout, fmt::format("Too large resource version: {}, current: {}",
                                                      *wanted, present));
  }
  if (match == "Exact" && *wanted < present) {
    return minato::fail(Reason::kExpired,
                        fmt::format("The resourceVersion for the provided list is too old: {} ({})",
                                    *wanted, present));
  }
  return {};
}

void Lists::forget_old() {
  const MonoTime now = env_.clock.monotonic();
  std::erase_if(snapshots_,
                [&](const auto& entry) { return now - entry.second.used > kSnapshotAge; });
  // The least recently made goes first: its reader has had most time.
  while (snapshots_.size() >= kSnapshots) snapshots_.erase(snapshots_.begin());
}

std::uint64_t Lists::keep(Snapshot snapshot) {
  forget_old();
  // Tokens of before a restart must not fit anything of after it: numbers start anywhere.
  const std::uint64_t id =
      snapshots_.empty() ? env_.rng.next() >> 16 : snapshots_.rbegin()->first + 1;
  snapshots_.emplace(id, std::move(snapshot));
  return id;
}

void Lists::cut(Page& page, std::size_t limit, std::uint64_t snapshot) const {
  const std::size_t total = page.items->size();
  page.end = limit == 0 ? total : std::min(total, page.begin + limit);
  if (page.end < total)
    page.next = fmt::format("{:x}.{}.{}", snapshot, page.end, page.resource_version);
}

Result<Lists::Page> Lists::first_page(const Call& call) {
  RETURN_IF_ERROR(check_version(call));
  ASSIGN_OR_RETURN(const kube::ListOptions options, list_options(call));
  ASSIGN_OR_RETURN(std::size_t limit, limit_of(call));
  // Reads "at any version" come from the cache upstream, which has no pages.
  if (call.url.parameter("resourceVersion") == "0") limit = 0;
  ASSIGN_OR_RETURN(kube::ObjectList found, registry_.list(call.kind(), options));
  Page page;
  page.resource_version = found.resource_version;
  page.items = std::make_shared<const std::vector<kube::ObjectPtr>>(std::move(found.items));
  page.has_selectors = !options.labels.matches_everything() || !options.fields.empty() ||
                       !options.excluded_fields.empty();
  if (limit == 0 || page.items->size() <= limit) {
    page.end = page.items->size();
    return page;
  }
  const std::uint64_t id = keep(
      {&call.kind(), query_of(call), page.items, page.resource_version, env_.clock.monotonic()});
  cut(page, limit, id);
  return page;
}

Result<Lists::Page> Lists::next_page(const Call& call, std::string_view token) {
  const std::string_view version = call.url.parameter("resourceVersion");
  if (!version.empty() && version != "0") {
    return minato::fail(Reason::kBadRequest,
                        "specifying resource version is not allowed when using continue");
  }
  const std::vector<std::string> parts = split(token, '.');
  std::uint64_t id = 0;
  const auto begin = parts.size() == 3 ? parse_int(parts[1]) : minato::fail(Reason::kInvalid, "");
  const bool readable = begin && *begin > 0 && parts[0].size() <= 16 &&
                        parts[0].find_first_not_of("0123456789abcdef") == std::string::npos &&
                        !parts[0].empty();
  if (!readable)
    return minato::fail(Reason::kBadRequest,
                        "continue key is not valid: it is not one of this server");
  for (const char c : parts[0])
    id = id * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  const auto found = snapshots_.find(id);
  if (found == snapshots_.end()) return minato::fail(Reason::kExpired, std::string(kExpired));
  Snapshot& snapshot = found->second;
  if (snapshot.kind != &call.kind() || snapshot.query != query_of(call) ||
      static_cast<std::size_t>(*begin) >= snapshot.items->size()) {
    return minato::fail(Reason::kBadRequest,
                        "continue key is not valid: it belongs to another request");
  }
  ASSIGN_OR_RETURN(const std::size_t limit, limit_of(call));
  snapshot.used = env_.clock.monotonic();
  Page page{.items = snapshot.items,
            .begin = static_cast<std::size_t>(*begin),
            .resource_version = snapshot.resource_version};
  cut(page, limit, id);
  return page;
}

void Lists::list(const CallPtr& call) {
  const auto accepted = negotiate(call->request, call->url);
  if (!accepted) {
    return call->answer(failure(406, "NotAcceptable",
                                "only the following media types are accepted: application/json"));
  }
  if (const Status right = check_parameters(*call, *accepted); !right) return call->fail(right.error());
  const std::string_view token = call->url.parameter("continue");
  const auto page = token.empty() ? first_page(*call) : next_page(*call, token);
  if (!page) return call->fail(page.error());
  send(call, *accepted, *page);
}

void Lists::send(const CallPtr& call, const Accepted& accepted, const Page& page) const {
  const kube::Kind& kind = call->kind();
  // Upstream cannot count what a selector would leave out, and says nothing then.
  const std::size_t rest =
      page.next.empty() || page.has_selectors ? 0 : page.items->size() - page.end;
  const std::string metadata =
      list_metadata(page.resource_version, page.next, static_cast<std::int64_t>(rest));
  std::string head;
  std::function<void(std::string&, const kube::Object&)> append;
  switch (accepted.view) {
    case View::kObject:
      head = fmt::format(R"({{"kind":"{}","apiVersion":"{}","metadata":{},"items":[)",
                         kind.list_kind(), kind.api_version(), metadata);
      append = [&kind](std::string& out, const kube::Object& object) {
        // Items of custom kinds say what they are, as upstream's do.
        if (kind.custom) {
          out += kube::to_json(*kube::in_version(object, kind));
        } else {
          kube::append_json(out, kind.type(), object.self());
        }
      };
      break;
    case View::kPartialMetadata:
      head = fmt::format(
          R"({{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[)",
          metadata);
      append = &append_partial_metadata;
      break;
    case View::kTable: {
      const Printer printer = printer_of(kind);
      head =
          fmt::format(R"({{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},)", metadata);
      append_columns(head, printer);
      head += ",\"rows\":[";
      append = [printer, &kind, include = accepted.include, now = env_.clock.wall()](
                   std::string& out, const kube::Object& object) {
        const kube::ObjectPtr borrowed(kube::ObjectPtr(), &object);
        append_row(out, printer, *shown_as(kind, borrowed), include, now);
      };
      break;
    }
  }
  const std::string tail = "]}\n";
  if (page.end - page.begin > kItemsPerPiece) {
    auto stream = call->exchange->stream({});
    std::make_shared<Body>(std::move(stream), std::move(head), tail, page.items, page.begin,
                           page.end, std::move(append))
        ->start();
    return;
  }
  for (std::size_t i = page.begin; i < page.end; ++i) {
    if (i > page.begin) head += ',';
    append(head, *(*page.items)[i]);
  }
  call->answer({.body = head + tail});
}

}  // namespace minato::apiserver
