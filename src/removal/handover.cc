#include "removal/handover.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace minato::removal {

Handover::Handover(env::Env env, kube::Client& client, informer::Informers& informers)
    : env_(std::move(env)), client_(client), nodes_(informers.of<kube::Node>()) {}

Status Handover::write(const std::string& name, const Change& change) {
  auto node = nodes_.get({"", name});
  if (!node) return fail(Reason::kNotFound, fmt::format("nodes \"{}\" not found", name));
  for (const bool is_last : {false, true}) {
    ASSIGN_OR_RETURN(std::optional<Record> record, record_of(*node));
    RETURN_IF_ERROR(change(record));
    const auto written = kube::update(client_, mark(*node, *record, Marks::kUnderWay, env_.clock.wall()));
    if (written) return {};
    if (is_last || !is(written.error(), Reason::kConflict)) return std::unexpected(written.error());
    ASSIGN_OR_RETURN(node, kube::get<kube::Node>(client_, {"", name}));
  }
  return {};
}

Status Handover::begin(Request request) {
  if (request.message.size() > kMaxMessageBytes) request.message.resize(kMaxMessageBytes);
  const std::string name = request.node;
  return write(name, [&](std::optional<Record>& record) {
    if (record && record->phase != Phase::kCancelled) {
      join(record->request, request);
      return Status{};
    }
    Record fresh;
    fresh.request = request;
    fresh.begun = fresh.since = env_.clock.wall();
    // What a cancellation has not taken back yet goes over to the new removal.
    if (record) fresh.cordoned = record->cordoned;
    if (record) fresh.replacement = record->replacement;
    record = std::move(fresh);
    return Status{};
  });
}

Status Handover::cancel(const std::string& name) {
  return write(name, [&](std::optional<Record>& record) -> Status {
    if (!record) return fail(Reason::kNotFound, fmt::format("no removal of Node {} is under way", name));
    if (record->phase == Phase::kTerminating && record->request.after != After::kKeep) {
      return fail(Reason::kConflict, fmt::format("the instance of Node {} is terminating", name));
    }
    if (record->phase != Phase::kCancelled) record->since = env_.clock.wall();
    record->phase = Phase::kCancelled;
    return {};
  });
}

std::vector<Progress> Handover::progress() const {
  std::vector<Progress> out;
  for (const auto& [key, node] : nodes_.all()) {
    const auto record = record_of(*node);
    if (!record || !*record) continue;
    const Record& found = **record;
    out.push_back({found.request, found.phase, found.begun, found.since, minato::join(found.cuts, "; ")});
  }
  return out;
}

}  // namespace minato::removal
