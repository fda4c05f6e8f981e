// What every kube::Client keeps, by kube_http against the cluster of the kubeconfig that
// MINATO_TEST_KUBECONFIG names. Makes and removes ConfigMaps in "default" and a Node "n": only for
// clusters that are made for it (test_client_upstream.py).
#include "kube/client_contract.h"

#include <boost/asio/executor_work_guard.hpp>
#include <cstdlib>

#include "env/virtual_time.h"
#include "host/loop.h"
#include "informer/informer.h"
#include "kube_http/client.h"

namespace minato::kube_http {
namespace {

Endpoint endpoint() {
  const char* path = std::getenv("MINATO_TEST_KUBECONFIG");
  auto out = from_kubeconfig(path == nullptr ? "" : path);
  EXPECT_TRUE(out) << "MINATO_TEST_KUBECONFIG: " << out.error().message;
  return out ? *out : Endpoint{.server = "https://127.0.0.1:1"};
}

class ClusterWorld final : public kube::ClientWorld {
 public:
  ClusterWorld() { remove_all(); }
  ~ClusterWorld() override { remove_all(); }
  kube::Client& client() override { return client_; }
  void until(const std::function<bool()>& is_so) override {
    const auto guard = boost::asio::make_work_guard(loop_.io());
    const MonoTime end = loop_.monotonic() + 30s;
    while (!is_so() && loop_.monotonic() < end) {
      loop_.io().restart();
      loop_.io().run_one_for(end - loop_.monotonic());
    }
    EXPECT_TRUE(is_so());
  }

 private:
  void remove_all() {
    kube::Client& client = client_;
    const auto maps = kube::list<kube::ConfigMap>(client, {.namespace_ = "default"});
    ASSERT_TRUE(maps) << maps.error().message;
    for (const auto& map : *maps) {
      if (map->metadata.name == "kube-root-ca.crt") continue;
      EXPECT_TRUE(client.remove(kube::ConfigMap::static_kind(), map->key()));
    }
    EXPECT_TRUE(ignore_not_found(client.remove(kube::Node::static_kind(), {"", "n"})));
  }

  host::Loop loop_;
  env::NullLog log_;
  HttpClient client_{env::Env{loop_, loop_, log_, env::Rng(3)}, std::make_shared<Credentials>(endpoint())};
};

using kube::ClientContract;
INSTANTIATE_TEST_SUITE_P(Cluster, ClientContract, testing::Values([] { return std::make_unique<ClusterWorld>(); }));

// Every kind that the controllers of EKS read, listed and watched as they do.
TEST(ClusterTest, EveryBuiltInKindThatItServesIsListedAndWatched) {
  ClusterWorld world;
  std::vector<std::unique_ptr<kube::Watch>> watches;
  int served = 0;
  for (const kube::Kind* kind : kube::all_kinds()) {
    const auto found = world.client().list(*kind, {});
    if (!found) {
      EXPECT_TRUE(failed_with(found, Reason::kNotFound) || failed_with(found, Reason::kMethodNotAllowed))
          << kind->kind << ": " << found.error().message;
      continue;
    }
    ++served;
    auto watch = world.client().watch(*kind, {}, found->resource_version, [](const kube::WatchEvent&) {});
    ASSERT_TRUE(watch) << watch.error().message;
    watches.push_back(std::move(*watch));
  }
  EXPECT_GE(served, 20);
}

}  // namespace
}  // namespace minato::kube_http
