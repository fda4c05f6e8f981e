#include "container/runtime_contract.h"

#include "linux_container/testing/world.h"

namespace minato::container {
namespace {

class LinuxWorld final : public RuntimeWorld {
 public:
  explicit LinuxWorld(std::unique_ptr<linux_container::World> world) : world_(std::move(world)) {}

  Runtime& runtime() override { return world_->runtime(); }
  void restart() override { world_->restart(); }
  bool run_until(const std::function<bool()>& condition) override {
    return world_->run_until(condition);
  }
  ContainerConfig container(Behaviour behaviour) override {
    switch (behaviour) {
      case Behaviour::kExitsWithThree: return world_->payload({"exit", "3"});
      case Behaviour::kStopsOnSignal: return world_->payload({"sleep"});
      case Behaviour::kIgnoresSignal: return world_->payload({"stubborn"});
      case Behaviour::kCommandIsMissing: break;
    }
    ContainerConfig config = world_->payload({});
    config.command = {"/nope"};
    return config;
  }
  std::vector<std::string> command_that_exits_with(int code) override {
    return {"/payload", "exit", std::to_string(code)};
  }
  void wait_until_ready(const ContainerRef& ref) override {
    EXPECT_TRUE(world_->wait_for_output(ref, "ready\n"));
  }

 private:
  std::unique_ptr<linux_container::World> world_;
};

std::unique_ptr<RuntimeWorld> make_world() {
  auto world = linux_container::World::create();
  return world ? std::make_unique<LinuxWorld>(std::move(world)) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Linux, RuntimeContract, testing::Values(WorldFactory(make_world)));

}  // namespace
}  // namespace minato::container
