#include "local/drill_world.h"

#include <signal.h>

#include "drill/observation_json.h"

namespace minato::local {
namespace {

constexpr Duration kReopen = 50ms;
constexpr Duration kLoadLimit = 1h;

bool has_flag(const boost::json::value& value, const char* name) {
  const boost::json::value* flag = value.is_object() ? value.get_object().if_contains(name) : nullptr;
  return flag != nullptr && flag->is_bool() && flag->get_bool();
}

}  // namespace

DrillWorld::DrillWorld(host::Loop& loop, Options options)
    : loop_(loop), options_(std::move(options)), alive_(std::make_shared<bool>(true)) {}

DrillWorld::~DrillWorld() { alive_.reset(); }

void DrillWorld::observe(Sink sink) {
  sink_ = std::move(sink);
  open();
}

void DrillWorld::open() {
  memory_.begin();
  stream_ = std::make_unique<ControlStream>(loop_, options_.control_socket, control::Request{"observe", {}},
                                            [this](const control::Line& each) { line(each); });
}

void DrillWorld::line(const control::Line& line) {
  if (line.last) {
    if (!options_.is_up()) return tell_control("gone");
    if (!std::exchange(is_down_, true)) tell_control("down");
    timer_ = loop_.after(kReopen, [this] { open(); });
    return;
  }
  if (has_flag(line.data, "whole")) return whole();
  const auto seen = drill::observation_from(line.data);
  if (seen) tell(*seen);
}

void DrillWorld::tell(const drill::Observation& seen) {
  if (memory_.take(seen)) sink_(seen);
}

void DrillWorld::whole() {
  for (const drill::Observation& each : memory_.missing(loop_.monotonic())) tell(each);
  is_down_ = false;
  tell_control("up");
}

void DrillWorld::tell_control(std::string state) {
  drill::Observation seen;
  seen.at = loop_.monotonic();
  seen.subject = drill::Subject::kControl;
  seen.name = "control";
  seen.state = std::move(state);
  tell(seen);
}

void DrillWorld::act(const drill::Act& act, Done done) {
  if (act.verb == drill::Verb::kKillControl) {
    return loop_.post([done = std::move(done), status = kill_control()]() mutable { done(status); });
  }
  const std::uint64_t id = ++next_act_;
  const control::Request request{"drill-act",
                                 {{"verb", std::string(drill::to_string(act.verb))}, {"target", act.target}, {"count", act.count}}};
  auto pending = std::make_shared<Done>(std::move(done));
  // Kept open after the first line: the world may have more to do for it (see drill_verbs.h).
  acts_[id] = std::make_unique<ControlStream>(loop_, options_.control_socket, request, [this, id, pending](const control::Line& line) {
    if (*pending) std::exchange(*pending, nullptr)(line.last ? line.status : Status());
    if (line.last) {
      loop_.post([this, id, alive = std::weak_ptr(alive_)] {
        if (alive.lock()) acts_.erase(id);
      });
    }
  });
}

Status DrillWorld::kill_control() {
  ASSIGN_OR_RETURN(const int process, control_process(options_.control_socket));
  if (::kill(process, SIGKILL) != 0) return fail_errno("ending the control process", errno);
  return {};
}

Status DrillWorld::set_load(double requests_per_second, const std::string& path) {
  if (generator_) {
    generator_->change(requests_per_second, path);
    return {};
  }
  load::Options load = options_.load;
  load.rate = requests_per_second;
  load.path = path;
  load.duration = kLoadLimit;
  load.threads = 0;
  ASSIGN_OR_RETURN(generator_, load::Generator::make(loop_, std::move(load)));
  generator_->start({}, {});
  return {};
}

void DrillWorld::stop_load() {
  if (!generator_) return;
  last_ = generator_->report();
  generator_.reset();
}

const load::Report& DrillWorld::report() const { return generator_ ? generator_->report() : last_; }
const drill::Timeline& DrillWorld::timeline() const { return report().timeline; }

drill::Latency DrillWorld::latency() const {
  const load::Report& now = report();
  return {.p50 = now.latency.percentile(500),
          .p99 = now.latency.percentile(990),
          .maximum = now.latency.maximum(),
          .generator_late = now.lateness.percentile(990)};
}

}  // namespace minato::local
