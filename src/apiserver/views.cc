#include "apiserver/views.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apiserver/media.h"
#include "apiserver/yaml.h"
#include "base/strings.h"
#include "kube/json.h"
#include "kube/types/autoscaling.h"
#include "kube/types/autoscaling_v1.h"
#include "kube/types/config.h"
#include "kube/types/events_v1.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

// What autoscaling/v1 has no fields for is kept in annotations, so that nothing is lost on the way.
constexpr std::string_view kMetrics = "autoscaling.alpha.kubernetes.io/metrics";
constexpr std::string_view kBehavior = "autoscaling.alpha.kubernetes.io/behavior";
constexpr std::string_view kConditions = "autoscaling.alpha.kubernetes.io/conditions";
constexpr std::string_view kTarget = "targetCPUUtilizationPercentage";

json::object* object_at(json::object& from, std::string_view name) {
  json::value* found = from.if_contains(name);
  return found != nullptr ? found->if_object() : nullptr;
}

bool is_text(const json::value* value, std::string_view wanted) {
  return value != nullptr && value->is_string() &&
         std::string_view(value->get_string()) == wanted;
}

json::object& make_object(json::object& in, std::string_view name) {
  json::value& value = in[name];
  if (!value.is_object()) value = json::object();
  return value.get_object();
}

void rename(json::object& object, std::string_view from, std::string_view to) {
  json::value* found = object.if_contains(from);
  if (found == nullptr) return;
  json::value value = std::move(*found);
  object.erase(from);
  object[to] = std::move(value);
}

void keep_as_annotation(json::object& object, std::string_view name, json::value value) {
  make_object(make_object(object, "metadata"), "annotations")[name] = json::serialize(value);
}

// The value that was kept, which is taken out. Null: none, or nothing that can be read.
json::value take_annotation(json::object& object, std::string_view name) {
  json::object* metadata = object_at(object, "metadata");
  json::object* annotations = metadata != nullptr ? object_at(*metadata, "annotations") : nullptr;
  json::value* text = annotations != nullptr ? annotations->if_contains(name) : nullptr;
  if (text == nullptr || !text->is_string()) return nullptr;
  boost::system::error_code error;
  json::value out = json::parse(std::string_view(text->get_string()), error);
  annotations->erase(name);
  return error ? nullptr : out;
}

// The number in {"type":"Resource","resource":{"name":"cpu","target":{"averageUtilization":N}}}.
const json::value* cpu_utilization(const json::value& metric, std::string_view part) {
  boost::system::error_code error;
  const json::value* name = metric.find_pointer("/resource/name", error);
  if (!is_text(name, "cpu")) return nullptr;
  return metric.find_pointer("/resource/" + std::string(part) + "/averageUtilization", error);
}

json::value utilization_metric(const json::value& percent) {
  return {{"type", "Resource"},
          {"resource",
           {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", percent}}}}}};
}

void autoscaler_to_stored(json::object& object) {
  json::object* spec = object_at(object, "spec");
  json::value others = take_annotation(object, kMetrics);
  json::value behavior = take_annotation(object, kBehavior);
  take_annotation(object, kConditions);
  if (spec == nullptr) return;
  json::array metrics;
  if (const json::value* percent = spec->if_contains(kTarget)) {
    if (!percent->is_null()) metrics.push_back(utilization_metric(*percent));
    spec->erase(kTarget);
  }
  if (others.is_array()) {
    for (json::value& metric : others.get_array()) metrics.push_back(std::move(metric));
  }
  if (!metrics.empty()) (*spec)["metrics"] = std::move(metrics);
  if (behavior.is_object()) (*spec)["behavior"] = std::move(behavior);
}

// Takes the CPU utilization out of a list of metrics; what is left stays.
json::value take_cpu(json::value* metrics, std::string_view part) {
  if (metrics == nullptr || !metrics->is_array()) return nullptr;
  json::array& list = metrics->get_array();
  for (auto it = list.begin(); it != list.end(); ++it) {
    if (const json::value* percent = cpu_utilization(*it, part)) {
      json::value out = *percent;
      list.erase(it);
      return out;
    }
  }
  return nullptr;
}

void autoscaler_to_seen(json::object& object) {
  if (json::object* spec = object_at(object, "spec")) {
    json::value percent = take_cpu(spec->if_contains("metrics"), "target");
    json::value others = nullptr, behavior = nullptr;
    if (json::value* metrics = spec->if_contains("metrics")) others = std::move(*metrics);
    if (json::value* present = spec->if_contains("behavior")) behavior = std::move(*present);
    spec->erase("metrics");
    spec->erase("behavior");
    if (!percent.is_null()) (*spec)[kTarget] = percent;
    if (others.is_array() && !others.get_array().empty())
      keep_as_annotation(object, kMetrics, std::move(others));
    if (behavior.is_object()) keep_as_annotation(object, kBehavior, std::move(behavior));
  }
  if (json::object* status = object_at(object, "status")) {
    json::value percent = take_cpu(status->if_contains("currentMetrics"), "current");
    json::value conditions = nullptr;
    if (json::value* present = status->if_contains("conditions")) conditions = std::move(*present);
    status->erase("currentMetrics");
    status->erase("conditions");
    if (!percent.is_null()) (*status)["currentCPUUtilizationPercentage"] = percent;
    if (conditions.is_array() && !conditions.get_array().empty())
      keep_as_annotation(object, kConditions, std::move(conditions));
  }
}

// As seen, and as stored.
constexpr std::pair<std::string_view, std::string_view> kEventMembers[] = {
    {"regarding", "involvedObject"},
    {"note", "message"},
    {"reportingController", "reportingComponent"},
    {"deprecatedSource", "source"},
    {"deprecatedFirstTimestamp", "firstTimestamp"},
    {"deprecatedLastTimestamp", "lastTimestamp"},
    {"deprecatedCount", "count"}};

void event_to_stored(json::object& object) {
  for (const auto& [seen, stored] : kEventMembers) rename(object, seen, stored);
}
void event_to_seen(json::object& object) {
  for (const auto& [seen, stored] : kEventMembers) rename(object, stored, seen);
}

void set_kind(json::object& object, const kube::Kind& from, const kube::Kind& to) {
  json::value* version = object.if_contains("apiVersion");
  if (is_text(version, from.api_version())) *version = to.api_version();
}

void to_seen(const VersionView& view, json::value& value) {
  if (!value.is_object()) return;
  json::object& object = value.get_object();
  const json::value* kind = object.if_contains("kind");
  if (json::value* rows = object.if_contains("rows"); rows != nullptr && rows->is_array()) {
    for (json::value& row : rows->get_array()) {
      if (json::value* shown = row.is_object() ? row.get_object().if_contains("object") : nullptr)
        to_seen(view, *shown);
    }
  } else if (json::value* items = object.if_contains("items"); items != nullptr && items->is_array()) {
    set_kind(object, *view.stored, *view.seen);
    for (json::value& item : items->get_array()) {
      if (item.is_object() && !item.get_object().contains("kind")) view.to_seen(item.get_object());
      to_seen(view, item);
    }
  } else if (object.contains("object") && object.contains("type")) {
    to_seen(view, object["object"]);
  } else if (is_text(kind, view.stored->kind)) {
    set_kind(object, *view.stored, *view.seen);
    view.to_seen(object);
  }
}

std::string converted(const VersionView& view, std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return std::string(text);
  to_seen(view, value);
  return json::serialize(value) + "\n";
}

// Lines of a watch, or the pieces of a list, which are converted when it is whole.
class ConvertingStream final : public Stream {
 public:
  ConvertingStream(const VersionView& view, std::shared_ptr<Stream> inner)
      : view_(view), inner_(std::move(inner)) {}
  void write(std::string_view bytes) override {
    buffer_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = buffer_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      inner_->write(converted(view_, std::string_view(buffer_).substr(begin, end - begin)));
    }
    buffer_.erase(0, begin);
  }
  std::size_t pending_bytes() const override { return inner_->pending_bytes(); }
  void on_drained(std::function<void()> callback) override {
    inner_->on_drained(std::move(callback));
  }
  void end() override {
    if (!buffer_.empty()) inner_->write(converted(view_, buffer_));
    inner_->end();
  }
  void abort() override { inner_->abort(); }
  void on_close(std::function<void()> callback) override { inner_->on_close(std::move(callback)); }

 private:
  const VersionView& view_;
  std::shared_ptr<Stream> inner_;
  std::string buffer_;
};

class ConvertingExchange final : public Exchange {
 public:
  ConvertingExchange(const VersionView& view, ExchangePtr inner)
      : view_(view), inner_(std::move(inner)) {}
  void answer(HttpAnswer answer) override {
    answer.body = converted(view_, answer.body);
    inner_->answer(std::move(answer));
  }
  std::shared_ptr<Stream> stream(HttpAnswer head) override {
    return std::make_shared<ConvertingStream>(view_, inner_->stream(std::move(head)));
  }
  std::shared_ptr<Duplex> upgrade(Headers headers) override {
    return inner_->upgrade(std::move(headers));
  }

 private:
  const VersionView& view_;
  ExchangePtr inner_;
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

Result<json::value> read_body(const VersionView& view, const HttpRequest& request) {
  if (request.method != "PATCH") {
    ASSIGN_OR_RETURN(const auto object, read_object(request, *view.seen));
    return kube::to_json_value(*object);
  }
  const std::string_view type = request.header("Content-Type");
  if (type.starts_with("application/json-patch+json")) {
    return fail(Reason::kUnsupportedMediaType,
                "a JSON patch needs the version that is stored: " + view.stored->api_version());
  }
  return parse_yaml(request.body);
}

}  // namespace

const std::vector<VersionView>& views() {
  static const std::vector<VersionView> all{
      {&kube::HorizontalPodAutoscalerV1::static_kind(),
       &kube::HorizontalPodAutoscaler::static_kind(), &autoscaler_to_stored, &autoscaler_to_seen},
      {&kube::EventV1::static_kind(), &kube::Event::static_kind(), &event_to_stored,
       &event_to_seen}};
  return all;
}

const VersionView* find_view(std::string_view group, std::string_view version, std::string_view resource) {
  for (const VersionView& view : views()) {
    if (view.seen->group == group && view.seen->version == version &&
        view.seen->resource == resource)
      return &view;
  }
  return nullptr;
}

Status convert_request(const VersionView& view, HttpRequest& request, Url& url) {
  for (auto& [name, value] : url.query) {
    if (name == "fieldSelector") replace_all(value, "regarding.", "involvedObject.");
  }
  if (request.method != "POST" && request.method != "PUT" && request.method != "PATCH") return {};
  auto body = read_body(view, request);
  if (!body) return fail(Reason::kBadRequest, body.error().message);
  if (!body->is_object()) return fail(Reason::kBadRequest, "the request body is not an object");
  set_kind(body->get_object(), *view.seen, *view.stored);
  view.to_stored(body->get_object());
  request.body = json::serialize(*body);
  if (request.method == "PATCH") return {};
  for (auto& [name, value] : request.headers) {
    if (to_lower(name) == "content-type") value = "application/json";
  }
  return {};
}

ExchangePtr convert_answers(const VersionView& view, ExchangePtr inner) {
  return std::make_shared<ConvertingExchange>(view, std::move(inner));
}

}  // namespace minato::apiserver
