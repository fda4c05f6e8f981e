#include "store/flusher.h"

#include "env/virtual_time.h"
#include "kube/json.h"
#include "store/fixture.h"

namespace minato::store {
namespace {

class FlusherTest : public testing::Test {
 protected:
  env::VirtualTime time_;
  env::NullLog log_;
  FakeJournal::Disk disk_;
  std::unique_ptr<Store> store_ = *Store::open(std::make_unique<FakeJournal>(disk_));
  env::Env env_{time_, time_, log_, env::Rng(1)};
};

TEST_F(FlusherTest, WritesOfOneTurnAreOneCommit) {
  Flusher flusher(env_, *store_);
  time_.post([&] {
    ASSERT_TRUE(store_->create(make_config("a")));
    ASSERT_TRUE(store_->create(make_config("b")));
    EXPECT_TRUE(disk_.batches.empty());
  });
  time_.settle();
  ASSERT_EQ(disk_.batches.size(), 1U);
  EXPECT_EQ(disk_.batches[0].objects.size(), 2U);
  ASSERT_TRUE(store_->create(make_config("c")));
  time_.settle();
  EXPECT_EQ(disk_.batches.size(), 2U);
}

TEST_F(FlusherTest, TheTextOfAWriteIsMadeOnceUntilItIsCommitted) {
  const auto created = *store_->create(make_config("a"));
  const auto text = store_->text_of(created);
  EXPECT_EQ(*text, kube::to_json(*created));
  EXPECT_EQ(store_->text_of(created), text);
  const auto updated = *store_->update(created, make_config("a", "2"));
  EXPECT_EQ(*store_->text_of(created), *text) << "of what was before, still";
  EXPECT_EQ(*store_->text_of(updated), kube::to_json(*updated));
  ASSERT_TRUE(store_->flush());
  ASSERT_EQ(disk_.batches.size(), 1U);
  EXPECT_EQ(*disk_.batches[0].objects[0].text, kube::to_json(*updated));
}

TEST_F(FlusherTest, AFailedCommitIsTriedAgainUntilItWorks) {
  Flusher flusher(env_, *store_);
  disk_.full = true;
  ASSERT_TRUE(store_->create(make_config("a")));
  time_.advance(3 * Flusher::kRetryInterval);
  EXPECT_FALSE(store_->read_only_reason().empty());
  disk_.full = false;
  time_.advance(Flusher::kRetryInterval);
  EXPECT_TRUE(store_->read_only_reason().empty());
  EXPECT_EQ(disk_.batches.size(), 1U);
}

TEST_F(FlusherTest, ItMayGoBeforeItsTurnComes) {
  auto flusher = std::make_unique<Flusher>(env_, *store_);
  ASSERT_TRUE(store_->create(make_config("a")));
  flusher.reset();
  time_.settle();
  EXPECT_TRUE(disk_.batches.empty());
  store_.reset();  // The store's own last flush.
  EXPECT_EQ(disk_.batches.size(), 1U);
}

}  // namespace
}  // namespace minato::store
