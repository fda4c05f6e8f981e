#include "kube/client_contract.h"

#include "env/virtual_time.h"
#include "registry/in_process_client.h"

namespace minato::registry {
namespace {

class InProcessWorld final : public kube::ClientWorld {
 public:
  InProcessWorld() : registry_(*Registry::make(env::Env{time_, time_, log_, env::Rng(1)}, store_)), client_(*registry_) {
    EXPECT_TRUE(registry_->bootstrap());
  }
  kube::Client& client() override { return client_; }
  void until(const std::function<bool()>& is_so) override {
    time_.advance(1min);
    EXPECT_TRUE(is_so());
  }

 private:
  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  std::unique_ptr<Registry> registry_;
  InProcessClient client_;
};

using kube::ClientContract;
INSTANTIATE_TEST_SUITE_P(InProcess, ClientContract, testing::Values([] { return std::make_unique<InProcessWorld>(); }));

}  // namespace
}  // namespace minato::registry
