// The fake keeps the promises of container::Runtime, so what the kubelet's tests prove holds.

#include "kubelet/fake_runtime.h"

#include "container/runtime_contract.h"
#include "env/virtual_time.h"

namespace minato::container {
namespace {

class FakeWorld final : public RuntimeWorld {
 public:
  FakeWorld() {
    fake_.behaviour = [](const ContainerConfig& config) { return script_of(config.image); };
    fake_.command = [](const std::vector<std::string>& words) {
      return ExecResult{.exit_code = words.at(1) == "0" ? 0 : 5};
    };
  }

  Runtime& runtime() override { return fake_; }
  void restart() override { fake_.restart(); }
  bool run_until(const std::function<bool()>& condition) override {
    const MonoTime end = time_.monotonic() + 10min;
    while (!condition()) {
      if (!time_.step(end)) return condition();
    }
    return true;
  }
  ContainerConfig container(Behaviour behaviour) override {
    ContainerConfig out;
    out.image = std::to_string(static_cast<int>(behaviour));
    return out;
  }
  std::vector<std::string> command_that_exits_with(int code) override {
    return {"exit", std::to_string(code)};
  }

 private:
  static kubelet::FakeRuntime::Behaviour script_of(const std::string& image) {
    kubelet::FakeRuntime::Behaviour out;
    switch (static_cast<Behaviour>(std::stoi(image))) {
      case Behaviour::kExitsWithThree:
        out.runs_for = 1s;
        out.exit_code = 3;
        break;
      case Behaviour::kStopsOnSignal: break;
      case Behaviour::kIgnoresSignal: out.stop_takes = 24h; break;
      case Behaviour::kCommandIsMissing:
        out.start_error = Error{Reason::kInvalid, "exec: no such file or directory"};
        break;
    }
    return out;
  }

  env::VirtualTime time_;
  kubelet::FakeRuntime fake_{time_, time_};
};

INSTANTIATE_TEST_SUITE_P(Fake, RuntimeContract, testing::Values(WorldFactory([] {
                           return std::make_unique<FakeWorld>();
                         })));

}  // namespace
}  // namespace minato::container
