#include "apiserver/metrics_api.h"

#include <fmt/format.h>

#include "kube/json.h"

namespace minato::apiserver {
namespace {

std::string usage_text(std::int64_t cpu_milli, std::int64_t memory_bytes) {
  return fmt::format(R"({{"cpu":"{}m","memory":"{}Ki"}})", cpu_milli, memory_bytes / 1024);
}

// Everything up to the usage, without the closing brace.
template <class Metrics>
std::string head_of(const Metrics& metrics, const std::string& name_space, std::string_view kind) {
  kube::ObjectMeta metadata;
  metadata.name = metrics.name;
  metadata.namespace_ = name_space;
  metadata.labels = metrics.labels;
  metadata.creation_timestamp = metrics.timestamp;
  return fmt::format(
      R"({{"kind":"{}","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"timestamp":"{}","window":"{}")",
      kind, kube::to_json_text(metadata), format_rfc3339(metrics.timestamp),
      format_duration(metrics.window));
}

std::string text_of(const metrics::NodeMetrics& node) {
  return head_of(node, "", "NodeMetrics") +
         ",\"usage\":" + usage_text(node.cpu_milli, node.memory_bytes) + "}";
}

std::string text_of(const metrics::PodMetrics& pod) {
  std::string out = head_of(pod, pod.namespace_, "PodMetrics") + ",\"containers\":[";
  for (const metrics::ContainerMetrics& container : pod.containers) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"({{"name":"{}","usage":{}}})", container.name,
                       usage_text(container.cpu_milli, container.memory_bytes));
  }
  return out + "]}";
}

template <class Metrics>
void answer_found(const CallPtr& call, const Result<std::vector<Metrics>>& found) {
  if (!found) return call->fail(found.error());
  if (!call->info.name.empty()) {
    for (const Metrics& entry : *found) {
      if (entry.name == call->info.name) return call->answer({.body = text_of(entry) + "\n"});
    }
    return call->fail({Reason::kNotFound, fmt::format("{}.metrics.k8s.io \"{}\" not found",
                                                      call->info.resource, call->info.name)});
  }
  std::string out = fmt::format(
      R"({{"kind":"{}List","apiVersion":"metrics.k8s.io/v1beta1","metadata":{{}},"items":[)",
      call->served->kind);
  for (const Metrics& entry : *found) {
    if (out.back() != '[') out += ',';
    out += text_of(entry);
  }
  call->answer({.body = out + "]}\n"});
}

}  // namespace

void answer_metrics(const CallPtr& call, const metrics::Source* source) {
  if (source == nullptr) return call->fail({Reason::kUnavailable, "this world measures nothing"});
  const auto selector = kube::Selector::parse(call->url.parameter("labelSelector"));
  if (!selector)
    return call->fail(
        {Reason::kBadRequest, "unable to parse labelSelector: " + selector.error().message});
  if (call->served->resource == "nodes") return answer_found(call, source->node_metrics(*selector));
  answer_found(call, source->pod_metrics(call->info.namespace_, *selector));
}

}  // namespace minato::apiserver
