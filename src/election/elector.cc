#include "election/elector.h"

#include <fmt/format.h>

#include "kube/json.h"

namespace minato::election {
namespace {

constexpr std::string_view kComponent = "election";

}  // namespace

Elector::Elector(env::Env env, kube::Client& client, Options options, std::function<void(bool)> changed)
    : env_(std::move(env)), client_(client), options_(std::move(options)), changed_(std::move(changed)) {}

void Elector::start() { arm(Duration::zero()); }

bool Elector::leads() const {
  return holds_ && !is_released_ && env_.clock.monotonic() < renewed_ + options_.renew_deadline;
}

Status Elector::may_write() const {
  if (leads()) return {};
  return fail(Reason::kForbidden, fmt::format("{} does not hold the Lease {}; {} does", options_.identity,
                                              options_.lease.to_string(), holder_.empty() ? "nobody" : holder_));
}

void Elector::arm(Duration delay) {
  timer_ = env_.executor.after(delay, [this] { tick(); });
}

void Elector::tick() {
  if (is_released_) return;
  const MonoTime begun = env_.clock.monotonic();
  const Status status = acquire_or_renew();
  if (status) {
    // From before the request: nobody has seen the new time earlier than that.
    renewed_ = begun;
    holds_ = true;
    deadline_ = env_.executor.after(options_.renew_deadline, [this] { told(leads()); });
  } else if (!is(status.error(), Reason::kForbidden)) {
    env_.log.write(env::Level::kWarning, kComponent, status.error().message);
  } else if (holds_) {
    holds_ = false;  // Another one has it.
  }
  told(leads());
  const Duration jitter = holds_ ? Duration::zero() : env_.rng.between(Duration::zero(), options_.retry_period * 6 / 5);
  arm(options_.retry_period + jitter);
}

void Elector::told(bool leads) {
  if (leads == is_told_) return;
  is_told_ = leads;
  env_.log.write(env::Level::kInfo, kComponent,
                 leads ? fmt::format("{} leads", options_.identity)
                       : fmt::format("{} leads no more; {} does", options_.identity, holder_.empty() ? "nobody" : holder_));
  changed_(leads);
}

void Elector::observe(const kube::Lease& lease) {
  std::string seen = kube::to_json_text(lease.spec);
  if (seen == observed_) return;
  observed_ = std::move(seen);
  observed_at_ = env_.clock.monotonic();
  holder_ = lease.spec.holder_identity.value_or("");
}

bool Elector::is_held_by_another(const kube::Lease& lease) const {
  if (holder_.empty() || holder_ == options_.identity) return false;
  const auto good_for = std::chrono::seconds(lease.spec.lease_duration_seconds.value_or(0));
  return env_.clock.monotonic() < observed_at_ + good_for;
}

// The Lease as it is to be: ours, renewed now.
kube::Lease Elector::taken(const kube::Lease& lease) const {
  kube::Lease out = lease;
  const bool is_new = out.spec.holder_identity.value_or("") != options_.identity;
  const kube::MicroTime now{env_.clock.wall()};
  if (is_new) {
    out.spec.acquire_time = now;
    out.spec.lease_transitions = out.metadata.resource_version.empty() ? 0 : out.spec.lease_transitions.value_or(0) + 1;
  }
  out.spec.holder_identity = options_.identity;
  out.spec.lease_duration_seconds = static_cast<std::int32_t>(options_.lease_duration / 1s);
  out.spec.renew_time = now;
  return out;
}

// Forbidden: another one holds it. What the API refuses is Unavailable, since it does not say that.
Status Elector::acquire_or_renew() {
  auto lease = kube::get<kube::Lease>(client_, options_.lease);
  if (failed_with(lease, Reason::kNotFound)) {
    kube::Lease first;
    first.metadata.namespace_ = options_.lease.namespace_;
    first.metadata.name = options_.lease.name;
    lease = kube::create(client_, taken(first));
    if (lease) observe(**lease);
    if (lease) return {};
    return fail(Reason::kUnavailable, fmt::format("making the Lease {}: {}", options_.lease.to_string(), lease.error().message));
  }
  if (!lease) return fail(Reason::kUnavailable, fmt::format("reading the Lease {}: {}", options_.lease.to_string(), lease.error().message));
  observe(**lease);
  if (is_held_by_another(**lease)) return fail(Reason::kForbidden, holder_ + " leads");
  const auto written = kube::update(client_, taken(**lease));
  if (!written) return fail(Reason::kUnavailable, fmt::format("writing the Lease {}: {}", options_.lease.to_string(), written.error().message));
  observe(**written);
  return {};
}

void Elector::release() {
  const bool was_leading = leads();
  is_released_ = true;
  timer_.cancel();
  deadline_.cancel();
  told(false);
  if (!was_leading) return;
  const auto lease = kube::get<kube::Lease>(client_, options_.lease);
  if (!lease || (*lease)->spec.holder_identity != options_.identity) return;
  kube::Lease free = **lease;
  free.spec.holder_identity = "";
  free.spec.lease_duration_seconds = 1;
  free.spec.acquire_time = free.spec.renew_time = kube::MicroTime{env_.clock.wall()};
  if (const auto freed = kube::update(client_, std::move(free)); !freed) {
    env_.log.write(env::Level::kWarning, kComponent, "giving the Lease back: " + freed.error().message);
  }
}

}  // namespace minato::election
