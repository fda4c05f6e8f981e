#include "sim/traffic.h"

#include <algorithm>
#include <cmath>

namespace minato::sim {
namespace {

// Without load it is looked again whether there is some.
constexpr Duration kIdle = 1s;

}  // namespace

Traffic::Traffic(env::Env env, Datacenter& datacenter, SimBalancer& balancer, SimBalancer::Work work)
    : env_(std::move(env)), balancer_(balancer), work_(work) {
  datacenter.on_change([this] { disturb(); });
}

Duration Traffic::elapsed() const { return env_.clock.monotonic() - begun_; }

double Traffic::rate() const { return curve_.rate(elapsed()); }

void Traffic::follow(LoadCurve curve) {
  disturb();
  curve_ = std::move(curve);
  begun_ = env_.clock.monotonic();
  counted_ = {};
  fraction_ = 0;
  timer_.cancel();
  if (!curve_.is_zero()) run();
}

void Traffic::set_work(SimBalancer::Work work) {
  disturb();
  work_ = work;
}

void Traffic::run() {
  const double rps = rate();
  if (rps <= 0) {
    timer_ = env_.executor.after(kIdle, [this] { run(); });
    counted_ = elapsed();
    return;
  }
  if (env_.clock.monotonic() >= look_again_ && balancer_.begin_steady(work_, rps)) {
    steady_ = true;
    in_flight_ = 0;
    timer_ = env_.executor.after(kSteadyStep, [this] { step(); });
    return;
  }
  if (env_.clock.monotonic() >= look_again_) look_again_ = env_.clock.monotonic() + kSettle;
  const double weight = std::max(1.0, std::ceil(rps / kExactRate));
  timer_ = env_.executor.after(Duration{static_cast<std::int64_t>(1e9 * weight / rps)}, [this] { send(); });
}

void Traffic::send() {
  // As many as the curve says have come since the last time.
  const Duration now = elapsed();
  fraction_ += curve_.count(counted_, now);
  counted_ = now;
  const double whole = std::floor(fraction_ + 1e-6);
  fraction_ -= whole;
  if (whole >= 1) balancer_.request(work_, static_cast<std::uint64_t>(whole), work_.time);
  run();
}

void Traffic::settle_steady() {
  const Duration now = elapsed();
  fraction_ += curve_.count(counted_, now);
  counted_ = now;
  const double whole = std::floor(fraction_);
  fraction_ -= whole;
  const auto sent = static_cast<std::uint64_t>(std::max(whole, 0.0));
  const auto flying = static_cast<std::uint64_t>(
      std::floor(rate() * static_cast<double>(work_.time.count()) / 1e9));
  const std::uint64_t before = in_flight_;
  in_flight_ = std::min(before + sent, flying);
  balancer_.count_sent(sent);
  balancer_.count_served(before + sent - in_flight_, work_.time);
}

void Traffic::step() {
  settle_steady();
  if (!balancer_.change_steady(work_, rate())) {
    disturb();
    return;
  }
  timer_ = env_.executor.after(kSteadyStep, [this] { step(); });
}

void Traffic::disturb() {
  if (!steady_) return;
  steady_ = false;
  settle_steady();
  balancer_.end_steady();
  balancer_.hand_over(work_, std::exchange(in_flight_, 0));
  look_again_ = env_.clock.monotonic() + kSettle;
  run();
}

const RequestCounts& Traffic::counts() {
  if (steady_) settle_steady();
  return balancer_.counts();
}

}  // namespace minato::sim
