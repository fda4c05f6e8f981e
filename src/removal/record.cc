#include "removal/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "kube/json.h"
#include "kube/names.h"

namespace minato::removal {
namespace {

namespace json = boost::json;

std::string time_text(WallTime time) { return format_rfc3339(time, TimePrecision::kMicroseconds); }

template <class Enum, std::size_t kSize>
Result<Enum> parse_enum(std::string_view text, const Enum (&values)[kSize]) {
  for (const Enum value : values) {
    if (to_string(value) == text) return value;
  }
  return fail(Reason::kInvalid, fmt::format("\"{}\" is not known", text));
}

constexpr Cause kCauses[] = {Cause::kScaleDown,   Cause::kReplacement,
                             Cause::kDrain,       Cause::kMaintenance,
                             Cause::kRebalanceRecommendation, Cause::kSpotInterruption};
constexpr After kAfters[] = {After::kTerminateAndShrink, After::kTerminateAndReplace, After::kKeep};
constexpr Phase kPhases[] = {Phase::kWaiting,     Phase::kDraining, Phase::kEvicting,
                             Phase::kTerminating, Phase::kDone,     Phase::kCancelled};

// Reads the members of one JSON object; the first thing that is wrong is kept as the error.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string text(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) return {};
    if (!found->is_string()) return refuse(name, "is no text"), std::string();
    if (found->get_string().size() > kMaxMessageBytes) return refuse(name, "is too long"), "";
    return std::string(found->get_string());
  }
  bool flag(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) return false;
    if (!found->is_bool()) refuse(name, "is neither true nor false");
    return found->is_bool() && found->get_bool();
  }
  std::int32_t number(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) return 0;
    if (!found->is_int64() || found->get_int64() < 0 || found->get_int64() > INT32_MAX) {
      return refuse(name, "is no count"), 0;
    }
    return static_cast<std::int32_t>(found->get_int64());
  }
  WallTime time(std::string_view name) {
    const std::string value = text(name);
    if (value.empty()) return {};
    const Result<WallTime> parsed = parse_rfc3339(value);
    if (!parsed) refuse(name, parsed.error().message);
    return parsed.value_or(WallTime{});
  }
  template <class Enum, std::size_t kSize>
  Enum name_of(std::string_view name, const Enum (&values)[kSize]) {
    const Result<Enum> parsed = parse_enum(text(name), values);
    if (!parsed) refuse(name, parsed.error().message);
    return parsed.value_or(values[0]);
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> out;
    const json::value* found = object_.if_contains(name);
    if (found == nullptr) return out;
    if (!found->is_array()) return refuse(name, "is no list"), out;
    for (const json::value& each : found->get_array()) {
      if (each.is_string() && out.size() < kMaxCuts) out.emplace_back(each.get_string());
    }
    return out;
  }
  const json::object* object(std::string_view name) {
    const json::value* found = object_.if_contains(name);
    if (found != nullptr && !found->is_object()) refuse(name, "is no object");
    return found != nullptr && found->is_object() ? &found->get_object() : nullptr;
  }
  Status status() const { return status_; }

 private:
  void refuse(std::string_view name, std::string_view why) {
    if (status_) status_ = fail(Reason::kInvalid, fmt::format("{} {}", name, why));
  }
  const json::object& object_;
  Status status_;
};

json::object encode_replacement(const Replacement& replacement) {
  json::object out;
  out["group"] = replacement.group;
  out["desiredBefore"] = replacement.desired_before;
  out["ordered"] = time_text(replacement.ordered);
  out["confirmed"] = replacement.confirmed;
  if (!replacement.instance.empty()) out["instance"] = replacement.instance;
  return out;
}

Result<Replacement> decode_replacement(const json::object& object) {
  Reader reader(object);
  Replacement out;
  out.group = reader.text("group");
  out.desired_before = reader.number("desiredBefore");
  out.ordered = reader.time("ordered");
  out.confirmed = reader.flag("confirmed");
  out.instance = reader.text("instance");
  RETURN_IF_ERROR(reader.status());
  return out;
}

void set_annotation(kube::ObjectMeta& meta, const std::string& text) {
  if (text.empty()) {
    meta.annotations.erase(std::string(kAnnotationRemoval));
  } else {
    meta.annotations[std::string(kAnnotationRemoval)] = text;
  }
}

void set_finalizer(kube::ObjectMeta& meta, bool wanted) {
  const auto found = std::ranges::find(meta.finalizers, kFinalizerRemoval);
  const bool present = found != meta.finalizers.end();
  // The API refuses new finalizers on what is being deleted.
  if (wanted && !present && !is_set(meta.deletion_timestamp)) {
    meta.finalizers.emplace_back(kFinalizerRemoval);
  }
  if (!wanted && present) meta.finalizers.erase(found);
}

void set_taint(kube::NodeSpec& spec, const Record& record, bool wanted, WallTime now) {
  const auto found = std::ranges::find(spec.taints, kTaintRemoval, &kube::Taint::key);
  const bool present = found != spec.taints.end();
  if (wanted && !present) {
    kube::Taint taint;
    taint.key = kTaintRemoval;
    taint.value = to_string(record.request.cause);
    taint.effect = kube::kNoSchedule;
    taint.time_added = WallTime(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()));
    spec.taints.push_back(std::move(taint));
  }
  if (!wanted && present) spec.taints.erase(found);
}

void set_excluded(kube::ObjectMeta& meta, bool wanted) {
  const std::string name(kube::kLabelExcludeFromLoadBalancers);
  const auto found = meta.labels.find(name);
  if (wanted && found == meta.labels.end()) meta.labels[name] = kExcludedByRemoval;
  if (!wanted && found != meta.labels.end() && found->second == kExcludedByRemoval) {
    meta.labels.erase(found);
  }
}

}  // namespace

std::string encode(const Record& record) {
  json::object out;
  out["cause"] = to_string(record.request.cause);
  out["after"] = to_string(record.request.after);
  if (record.request.deadline) out["deadline"] = time_text(*record.request.deadline);
  out["message"] = record.request.message.substr(0, kMaxMessageBytes);
  out["phase"] = to_string(record.phase);
  out["begun"] = time_text(record.begun);
  out["since"] = time_text(record.since);
  if (record.admitted) out["admitted"] = true;
  if (record.cordoned) out["cordoned"] = true;
  if (is_set(record.detached)) out["detached"] = time_text(record.detached);
  if (record.was_target) out["wasTarget"] = true;
  if (record.drained) out["drained"] = true;
  if (record.replacement) out["replacement"] = encode_replacement(*record.replacement);
  if (!record.cuts.empty()) out["cuts"] = json::array(record.cuts.begin(), record.cuts.end());
  return json::serialize(out);
}

Result<Record> decode(std::string_view text, const std::string& node) {
  const std::string where = fmt::format("annotation {} of Node {}", kAnnotationRemoval, node);
  if (text.size() > kMaxRecordBytes) return fail(Reason::kInvalid, where + ": too long");
  const Result<json::value> parsed = kube::parse_json(text);
  if (!parsed) return wrap(where, parsed.error());
  if (!parsed->is_object()) return fail(Reason::kInvalid, where + ": is no JSON object");
  Reader reader(parsed->get_object());
  Record out;
  out.request.node = node;
  out.request.cause = reader.name_of("cause", kCauses);
  out.request.after = reader.name_of("after", kAfters);
  if (const WallTime deadline = reader.time("deadline"); is_set(deadline)) {
    out.request.deadline = deadline;
  }
  out.request.message = reader.text("message");
  out.phase = reader.name_of("phase", kPhases);
  out.begun = reader.time("begun");
  out.since = reader.time("since");
  out.admitted = reader.flag("admitted");
  out.cordoned = reader.flag("cordoned");
  out.detached = reader.time("detached");
  out.was_target = reader.flag("wasTarget");
  out.drained = reader.flag("drained");
  out.cuts = reader.texts("cuts");
  if (const json::object* replacement = reader.object("replacement")) {
    Result<Replacement> decoded = decode_replacement(*replacement);
    if (!decoded) return wrap(where, decoded.error());
    out.replacement = std::move(*decoded);
  }
  if (const Status status = reader.status(); !status) return wrap(where, status.error());
  return out;
}

Result<std::optional<Record>> record_of(const kube::Node& node) {
  const auto found = node.metadata.annotations.find(std::string(kAnnotationRemoval));
  if (found == node.metadata.annotations.end()) return std::optional<Record>{};
  ASSIGN_OR_RETURN(Record record, decode(found->second, node.metadata.name));
  return std::optional(std::move(record));
}

void join(Request& under_way, const Request& more) {
  if (more.cause > under_way.cause) {
    under_way.cause = more.cause;
    under_way.message = more.message;
  }
  if (more.deadline && (!under_way.deadline || *more.deadline < *under_way.deadline)) {
    under_way.deadline = more.deadline;
  }
  if (under_way.after == After::kKeep) under_way.after = more.after;
}

kube::Node mark(const kube::Node& node, const Record& record, Marks marks, WallTime now) {
  kube::Node out = node;
  const bool holds = marks == Marks::kUnderWay && record.phase != Phase::kCancelled;
  const bool admitted = holds && record.admitted;
  set_annotation(out.metadata,
                 marks == Marks::kUnderWay ? encode(record) : std::string());
  set_finalizer(out.metadata, marks == Marks::kUnderWay && record.replacement.has_value());
  set_taint(out.spec, record, admitted, now);
  set_excluded(out.metadata, holds && is_set(record.detached));
  if (record.cordoned) out.spec.unschedulable = admitted;
  return out;
}

bool is_leaving(const kube::Node& node) {
  const bool tainted = std::ranges::any_of(node.spec.taints, [](const kube::Taint& taint) {
    return taint.key == kTaintRemoval;
  });
  return tainted ||
         node.metadata.labels.contains(std::string(kube::kLabelExcludeFromLoadBalancers));
}

void add_cut(Record& record, std::string cut) {
  if (std::ranges::find(record.cuts, cut) != record.cuts.end()) return;
  if (record.cuts.size() == kMaxCuts) return;
  record.cuts.push_back(std::move(cut));
}

}  // namespace minato::removal
