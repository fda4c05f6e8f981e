#include "agent/agent.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::agent {
namespace {

constexpr int kMaxDoublings = 8;

}  // namespace

Agent::Agent(env::Env env, cloud::InstanceMetadata& metadata, Sink& sink, Options options)
    : env_(env.fork("agent")),
      metadata_(metadata),
      sink_(sink),
      options_(options),
      alive_(std::make_shared<bool>(true)) {}

void Agent::start() {
  for (const Kind kind : kKinds) poll(kind);
}

const Notice* Agent::notice(Kind kind) const {
  const auto found = monitors_.find(kind);
  return found == monitors_.end() || !found->second.notice ? nullptr : &*found->second.notice;
}

void Agent::poll(Kind kind) {
  Monitor& monitor = monitors_[kind];
  const std::uint64_t request = monitor.request = next_request_++;
  monitor.timer = env_.executor.after(options_.answer_timeout, [this, kind, request] {
    answered(kind, request,
             fail(Reason::kTimeout, fmt::format("{}: no answer within {}", metadata_path(kind),
                                                format_duration(options_.answer_timeout))));
  });
  metadata_.get(std::string(metadata_path(kind)),
                [this, alive = std::weak_ptr(alive_), kind,
                 request](Result<std::optional<std::string>> answer) {
                  if (alive.lock()) answered(kind, request, answer);
                });
}

void Agent::answered(Kind kind, std::uint64_t request,
                     const Result<std::optional<std::string>>& answer) {
  Monitor& monitor = monitors_[kind];
  if (monitor.request != request) return;
  monitor.request = 0;
  const Status status = answer ? take(kind, monitor, *answer)
                               : Status(std::unexpected(answer.error()));
  if (status) {
    succeeded(monitor);
  } else {
    failed(monitor, status.error());
  }
  monitor.answered = env_.clock.monotonic();
  if (rests(kind, monitor)) return monitor.timer.cancel();
  const Duration backed_off =
      options_.poll_interval * (1 << std::min(std::max(monitor.failures - 1, 0), kMaxDoublings));
  const Duration wait =
      std::min(backed_off, std::max(options_.backoff_max, options_.poll_interval));
  monitor.timer = env_.executor.after(wait, [this, kind] { poll(kind); });
}

// Until the service says that it tells something else.
bool Agent::rests(Kind kind, Monitor& monitor) {
  if (monitor.notice || monitor.failures > 0) return false;
  return metadata_.will_tell_change([this, alive = std::weak_ptr(alive_), kind] {
    if (!alive.lock()) return;
    Monitor& resting = monitors_[kind];
    const Duration since = env_.clock.monotonic() - resting.answered;
    const Duration wait = options_.poll_interval - since % options_.poll_interval;
    resting.timer = env_.executor.after(wait, [this, kind] { poll(kind); });
  });
}

Status Agent::take(Kind kind, Monitor& monitor, const std::optional<std::string>& document) {
  if (!document) {
    absent(kind, monitor);
    return {};
  }
  ASSIGN_OR_RETURN(const std::optional<Notice> notice, read_notice(kind, *document));
  if (notice) {
    present(monitor, *notice);
  } else {
    absent(kind, monitor);
  }
  return {};
}

void Agent::present(Monitor& monitor, const Notice& notice) {
  monitor.absent = 0;
  if (monitor.notice != notice) {
    monitor.notice = notice;
    monitor.is_accepted = false;
    env_.log.write(env::Level::kInfo, "agent",
                   fmt::format("{}: {}{}", to_string(notice.kind), notice.text,
                               notice.time ? " at " + format_rfc3339(*notice.time) : ""));
  }
  if (monitor.is_accepted) return;
  const Status status = sink_.notice(notice);
  monitor.is_accepted = status.has_value();
  if (!status) {
    env_.log.write(env::Level::kWarning, "agent",
                   fmt::format("{}: {}", to_string(notice.kind), status.error().message));
  }
}

void Agent::absent(Kind kind, Monitor& monitor) {
  if (!monitor.notice || ++monitor.absent < options_.absences) return;
  const bool was_told = monitor.is_accepted;
  monitor.notice.reset();
  monitor.is_accepted = false;
  monitor.absent = 0;
  if (was_told) sink_.cancelled(kind);
}

void Agent::failed(Monitor& monitor, const Error& error) {
  ++monitor.failures;
  const bool is_new = monitor.failures == options_.failures_to_warn && !is_troubled_;
  env_.log.write(is_new ? env::Level::kWarning : env::Level::kDebug, "agent", error.message);
  if (!is_new) return;
  is_troubled_ = true;
  sink_.troubled(error.message);
}

void Agent::succeeded(Monitor& monitor) {
  monitor.failures = 0;
  const bool is_well = std::ranges::all_of(monitors_, [](const auto& each) {
    return each.second.failures == 0;
  });
  if (is_troubled_ && is_well) {
    is_troubled_ = false;
    sink_.recovered();
  }
}

}  // namespace minato::agent
