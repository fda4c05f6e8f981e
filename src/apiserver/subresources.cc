#include "apiserver/subresources.h"

#include <fmt/format.h>

#include "apiserver/writes.h"
#include "base/strings.h"
#include "kube/json.h"
#include "kube/patch.h"
#include "kube/scale.h"
#include "kube/types/binding.h"
#include "kube/types/policy.h"

namespace minato::apiserver {

using registry::Persist;

namespace {

HttpAnswer created() {
  return {.status = 201,
          .body =
              R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})"
              "\n"};
}

// One log on its way to one client.
class LogBody : public std::enable_shared_from_this<LogBody> {
 public:
  explicit LogBody(const CallPtr& call) : call_(call) {}

  void hold(std::unique_ptr<container::Runtime::LogStream> reading) {
    reading_ = std::move(reading);
    self_ = shared_from_this();
  }
  void print(std::string_view chunk) {
    begin();
    if (!stream_) return;
    stream_->write(chunk);
    if (stream_->pending_bytes() > Subresources::kLogPendingBytes) {
      stream_->abort();
      stream_ = nullptr;
    }
  }
  void done(const Status& status, env::Executor& executor) {
    if (!begun_ && !status) {
      begun_ = true;
      call_->fail(status.error());
    } else {
      begin();
      if (stream_) stream_->end();
    }
    // The reader may be calling us: it goes in a turn of its own.
    executor.post([self = shared_from_this()] { self->drop(); });
  }
  void begin() {
    if (std::exchange(begun_, true)) return;
    stream_ = call_->exchange->stream({.content_type = "text/plain"});
    stream_->on_close([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->drop();
    });
  }
  void drop() {
    if (stream_) stream_->on_close(nullptr);
    stream_ = nullptr;
    reading_.reset();
    self_ = nullptr;
  }

 private:
  CallPtr call_;
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<container::Runtime::LogStream> reading_;
  std::shared_ptr<LogBody> self_;  // Until drop().
  bool begun_ = false;
};

Result<std::int64_t> number_parameter(const Url& url, std::string_view name,
                                      std::int64_t otherwise) {
  const std::string_view text = url.parameter(name);
  if (text.empty()) return otherwise;
  const auto number = parse_int(text);
  if (!number || *number < 0)
    return minato::fail(Reason::kInvalid,
                        fmt::format("PodLogOptions \"\" is invalid: {}: Invalid value: \"{}\": "
                                    "must be a whole number, 0 or more",
                                    name, text));
  return *number;
}

Result<LogRequest> read_log_request(const Call& call, const kube::Pod& pod, WallTime now) {
  LogRequest out;
  ASSIGN_OR_RETURN(out.container, chosen_container(pod, call.url.parameter("container")));
  out.previous = call.url.flag("previous");
  out.options.follow = call.url.flag("follow");
  out.options.timestamps = call.url.flag("timestamps");
  ASSIGN_OR_RETURN(out.options.tail_lines, number_parameter(call.url, "tailLines", -1));
  ASSIGN_OR_RETURN(out.options.limit_bytes, number_parameter(call.url, "limitBytes", -1));
  ASSIGN_OR_RETURN(const std::int64_t since, number_parameter(call.url, "sinceSeconds", -1));
  if (since >= 0)
    out.options.since = now - std::chrono::seconds(std::min<std::int64_t>(since, 1'000'000'000));
  if (call.url.has("sinceTime")) {
    ASSIGN_OR_RETURN(out.options.since, parse_rfc3339(call.url.parameter("sinceTime")));
  }
  return out;
}

}  // namespace

Result<std::string> chosen_container(const kube::Pod& pod, std::string_view asked) {
  std::vector<std::string> all;
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const kube::Container& container : *list) {
      if (container.name == asked) return container.name;
      if (list == &pod.spec.containers) all.push_back(container.name);
    }
  }
  for (const kube::EphemeralContainer& container : pod.spec.ephemeral_containers) {
    if (container.ephemeral_container_common.name == asked) return std::string(asked);
  }
  if (!asked.empty()) {
    return minato::fail(Reason::kBadRequest, fmt::format("container {} is not valid for pod {}",
                                                         asked, pod.metadata.name));
  }
  if (all.size() == 1) return all.front();
  return minato::fail(
      Reason::kBadRequest,
      fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                  pod.metadata.name, join(all, " ")));
}

Result<kube::Scale> Subresources::changed_scale(const Call& call,
                                                const kube::Object& object) const {
  if (call.info.verb == "update") {
    ASSIGN_OR_RETURN(auto read, read_object(call.request, kube::Scale::static_kind()));
    return kube::as<kube::Scale>(*read);
  }
  const kube::Scale present = kube::scale_of(object);
  ASSIGN_OR_RETURN(const boost::json::value patch, kube::parse_json(call.request.body));
  boost::json::value document = kube::to_json_value(present);
  const std::string_view type = call.request.header("Content-Type");
  if (type.starts_with("application/json-patch+json")) {
    ASSIGN_OR_RETURN(document, kube::apply_json_patch(std::move(document), patch));
  } else if (type.starts_with("application/merge-patch+json") ||
             type.starts_with("application/strategic-merge-patch+json")) {
    // A Scale has no lists: both patches mean the same.
    document = kube::apply_merge_patch(std::move(document), patch);
  } else {
    return minato::fail(Reason::kUnsupportedMediaType,
                        "the body of the request was in an unknown format - accepted media types "
                        "include: application/json-patch+json, application/merge-patch+json");
  }
  document.as_object().erase("apiVersion");
  document.as_object().erase("kind");
  return kube::from_json_value<kube::Scale>(document);
}

Result<kube::Scale> Subresources::do_scale(const Call& call) const {
  ASSIGN_OR_RETURN(const kube::ObjectPtr stored, registry_.get(call.kind(), call.key()));
  const kube::ObjectPtr object = shown_as(call.kind(), stored);
  if (call.info.verb == "get") return kube::scale_of(*object);
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  ASSIGN_OR_RETURN(const kube::Scale wanted, changed_scale(call, *object));
  if (!wanted.metadata.name.empty() && wanted.metadata.name != call.info.name) {
    return minato::fail(Reason::kBadRequest,
                        fmt::format("the name of the object ({}) does not match the name on the URL ({})",
                                    wanted.metadata.name, call.info.name));
  }
  if (wanted.spec.replicas < 0) {
    return minato::fail(Reason::kInvalid,
                        fmt::format("Scale.autoscaling \"{}\" is invalid: spec.replicas: Invalid "
                                    "value: {}: must be greater than or equal to 0",
                                    call.info.name, wanted.spec.replicas));
  }
  auto changed = object->clone();
  kube::set_replicas(*changed, wanted.spec.replicas);
  // The versions that the client compared with are those of its Scale.
  if (!wanted.metadata.resource_version.empty())
    changed->metadata.resource_version = wanted.metadata.resource_version;
  changed->metadata.uid = wanted.metadata.uid;
  ASSIGN_OR_RETURN(const kube::ObjectPtr written,
                   registry_.update(std::move(changed), kube::Subresource::kNone, persist));
  return kube::scale_of(*shown_as(call.kind(), written));
}

void Subresources::scale(const CallPtr& call) {
  const auto scale = do_scale(*call);
  if (!scale) return call->fail(scale.error());
  call->answer({.body = kube::to_json(*scale) + "\n"});
}

Status Subresources::do_evict(const Call& call) const {
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  ASSIGN_OR_RETURN(auto object, read_object(call.request, kube::Eviction::static_kind()));
  const auto& eviction = kube::as<kube::Eviction>(*object);
  if (!eviction.metadata.name.empty() && eviction.metadata.name != call.info.name) {
    return minato::fail(Reason::kBadRequest, "name in URL does not match name in Eviction object");
  }
  Removal removal;
  if (eviction.delete_options) {
    ASSIGN_OR_RETURN(removal, to_removal(*eviction.delete_options));
  }
  if (persist == Persist::kDryRun) removal.persist = persist;
  return registry_.evict(call.key(), removal.options, removal.persist);
}

void Subresources::evict(const CallPtr& call) {
  if (const Status evicted = do_evict(*call); !evicted) return call->fail(evicted.error());
  call->answer(created());
}

Status Subresources::do_bind(const Call& call) const {
  ASSIGN_OR_RETURN(const Persist persist, persist_of(call));
  ASSIGN_OR_RETURN(const auto binding, read_message<kube::Binding>(call.request));
  const kube::ObjectReference& target = binding.target;
  if (!target.kind.empty() && target.kind != "Node" && target.kind != "Minion") {
    return minato::fail(
        Reason::kInvalid,
        fmt::format(
            "target.kind: Unsupported value: \"{}\": supported values: \"Node\", \"<empty>\"",
            target.kind));
  }
  if (persist == Persist::kDryRun) return {};
  return registry_.bind(call.key(), binding.metadata.uid, target.name);
}

void Subresources::bind(const CallPtr& call) {
  if (const Status bound = do_bind(*call); !bound) return call->fail(bound.error());
  call->answer(created());
}

void Subresources::log(const CallPtr& call) {
  const auto object = registry_.get(call->kind(), call->key());
  if (!object) return call->fail(object.error());
  const auto& pod = kube::as<kube::Pod>(**object);
  const auto request = read_log_request(*call, pod, env_.clock.wall());
  if (!request) return call->fail(request.error());
  // Nobody has begun to write one.
  if (pod.spec.node_name.empty()) return call->answer({.status = 204, .content_type = "text/plain"});
  if (!logs_) return call->fail({Reason::kUnavailable, "this world keeps no logs"});
  const auto body = std::make_shared<LogBody>(call);
  auto reading = logs_(
      pod, *request,
      [weak = std::weak_ptr(body)](std::string_view chunk) {
        if (const auto alive = weak.lock()) alive->print(chunk);
      },
      [weak = std::weak_ptr(body), &executor = env_.executor](const Status& status) {
        if (const auto alive = weak.lock()) alive->done(status, executor);
      });
  if (!reading) return call->fail(reading.error());
  body->hold(std::move(*reading));
  // A followed log may be silent for long; the client is to know at once that it is there.
  if (request->options.follow) body->begin();
}

}  // namespace minato::apiserver
