#include "election/elector.h"

#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "registry/in_process_client.h"

namespace minato::election {
namespace {

// The way of one process to the API, which may be cut.
class Cable final : public kube::Client {
 public:
  explicit Cable(registry::Registry& registry) : client_(registry) {}
  bool is_cut = false;

  const kube::Kinds& kinds() const override { return client_.kinds(); }
  Result<kube::ObjectPtr> get(const kube::Kind& kind, const kube::ObjectKey& key) override {
    RETURN_IF_ERROR(way());
    return client_.get(kind, key);
  }
  Result<kube::ObjectList> list(const kube::Kind& kind, const kube::ListOptions& options) override { return client_.list(kind, options); }
  Result<std::unique_ptr<kube::Watch>> watch(const kube::Kind& kind, const kube::ListOptions& options, std::uint64_t version,
                                             kube::WatchSink sink) override {
    return client_.watch(kind, options, version, std::move(sink));
  }
  Result<kube::ObjectPtr> create(std::unique_ptr<kube::Object> object) override {
    RETURN_IF_ERROR(way());
    return client_.create(std::move(object));
  }
  Result<kube::ObjectPtr> update(std::unique_ptr<kube::Object> object, kube::Subresource part) override {
    RETURN_IF_ERROR(way());
    return client_.update(std::move(object), part);
  }
  Result<kube::ObjectPtr> patch(const kube::Kind& kind, const kube::ObjectKey& key, kube::PatchType type, std::string_view body,
                                kube::Subresource part) override {
    return client_.patch(kind, key, type, body, part);
  }
  Status remove(const kube::Kind& kind, const kube::ObjectKey& key, const kube::RemoveOptions& options) override {
    return client_.remove(kind, key, options);
  }
  Status evict(const kube::ObjectKey& pod, const kube::RemoveOptions& options) override { return client_.evict(pod, options); }
  Status bind(const kube::ObjectKey& pod, const std::string& uid, const std::string& node) override { return client_.bind(pod, uid, node); }

 private:
  Status way() const { return is_cut ? fail(Reason::kTimeout, "no way") : Status{}; }
  registry::InProcessClient client_;
};

class ElectorTest : public testing::Test {
 protected:
  static constexpr const char* kLease = "minato-controller";
  struct Process {
    Process(ElectorTest& test, std::string name)
        : cable(*test.registry_),
          elector(env::Env{test.time_, test.time_, test.log_, env::Rng(name.size())}, cable,
                  {.lease = {"kube-system", kLease}, .identity = std::move(name)}, [this](bool now) { told.push_back(now); }) {}
    Cable cable;
    std::vector<bool> told;
    Elector elector;
  };

  ElectorTest() : registry_(*registry::Registry::make(env::Env{time_, time_, log_, env::Rng(1)}, store_)), client_(*registry_) {
    EXPECT_TRUE(registry_->bootstrap());
  }
  kube::Lease lease() { return **kube::get<kube::Lease>(client_, {"kube-system", kLease}); }
  // In steps, looking at each whether two lead at once.
  void advance(Duration time) {
    for (Duration passed{}; passed < time; passed += 100ms) {
      time_.advance(100ms);
      ASSERT_FALSE(a_.elector.leads() && b_.elector.leads());
    }
  }

  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  registry::InProcessClient client_;
  Process a_{*this, "a"};
  Process b_{*this, "bb"};
};

TEST_F(ElectorTest, TheFirstLeadsAndTheOtherStandsBy) {
  a_.elector.start();
  advance(1s);
  b_.elector.start();
  advance(2min);
  EXPECT_TRUE(a_.elector.leads());
  EXPECT_TRUE(a_.elector.may_write());
  EXPECT_EQ(a_.told, std::vector<bool>{true});
  const Status refused = b_.elector.may_write();
  ASSERT_TRUE(failed_with(refused, Reason::kForbidden));
  EXPECT_NE(refused.error().message.find("a does"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(b_.told.empty());
  EXPECT_EQ(lease().spec.lease_transitions, 0);
  EXPECT_EQ(lease().spec.lease_duration_seconds, 15);
}

TEST_F(ElectorTest, WhoCannotRenewStopsBeforeTheOtherBegins) {
  a_.elector.start();
  advance(1s);
  b_.elector.start();
  advance(30s);
  a_.cable.is_cut = true;
  advance(10s);
  EXPECT_FALSE(a_.elector.leads());
  EXPECT_EQ(a_.told, (std::vector<bool>{true, false}));
  EXPECT_FALSE(b_.elector.leads());
  advance(10s);
  EXPECT_TRUE(b_.elector.leads());
  EXPECT_EQ(lease().spec.lease_transitions, 1);
  a_.cable.is_cut = false;
  advance(1min);
  EXPECT_TRUE(b_.elector.leads());
}

TEST_F(ElectorTest, AShortOutageCostsNothing) {
  a_.elector.start();
  b_.elector.start();
  advance(30s);
  a_.cable.is_cut = b_.cable.is_cut = true;
  advance(7s);
  a_.cable.is_cut = b_.cable.is_cut = false;
  advance(1min);
  EXPECT_EQ(a_.told.size() + b_.told.size(), 1u);
}

TEST_F(ElectorTest, WhatIsGivenBackIsTakenAtOnce) {
  a_.elector.start();
  advance(1s);
  b_.elector.start();
  advance(10s);
  a_.elector.release();
  EXPECT_FALSE(a_.elector.leads());
  EXPECT_EQ(lease().spec.holder_identity, "");
  advance(5s);
  EXPECT_TRUE(b_.elector.leads());
  advance(1min);
  EXPECT_EQ(a_.told, (std::vector<bool>{true, false}));
}

// A wall clock that is an hour off changes nothing.
TEST_F(ElectorTest, ClocksNeedNotAgree) {
  a_.elector.start();
  advance(1s);
  time_.jump_wall(1h);
  b_.elector.start();
  advance(1min);
  EXPECT_TRUE(a_.elector.leads());
}

}  // namespace
}  // namespace minato::election
