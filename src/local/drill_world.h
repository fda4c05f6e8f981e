// drill::World over a running local world: seen and broken through its control socket, loaded by a
// generator in this process. One clock: all of them are on this machine's CLOCK_MONOTONIC.
//
// When the control process goes away that is an observation ("control down"); its stream is opened
// again as soon as it answers. When the holder has gone too it is over ("control gone"). Loop thread
// only; the Loop outlives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drill/memory.h"
#include "drill/world.h"
#include "host/loop.h"
#include "load/generator.h"
#include "local/control_stream.h"

namespace minato::local {

class DrillWorld final : public drill::World {
 public:
  struct Options {
    std::string control_socket;
    std::function<bool()> is_up;  // Whether what starts control again is there.
    load::Options load;  // Rate and path come with set_load().
  };
  DrillWorld(host::Loop& loop, Options options);
  ~DrillWorld() override;

  void observe(Sink sink) override;
  void act(const drill::Act& act, Done done) override;
  Status set_load(double requests_per_second, const std::string& path) override;
  void stop_load() override;
  const drill::Timeline& timeline() const override;
  drill::Latency latency() const override;
  // Of the load that ran last.
  const load::Report& report() const;

 private:
  void open();
  void line(const control::Line& line);
  void tell(const drill::Observation& observation);
  void tell_control(std::string state);
  void whole();
  Status kill_control();

  host::Loop& loop_;
  Options options_;
  Sink sink_;
  std::unique_ptr<ControlStream> stream_;
  drill::Memory memory_;
  bool is_down_ = false;
  std::uint64_t next_act_ = 0;
  std::map<std::uint64_t, std::unique_ptr<ControlStream>> acts_;
  std::unique_ptr<load::Generator> generator_;
  load::Report last_;
  env::TimerHandle timer_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::local
