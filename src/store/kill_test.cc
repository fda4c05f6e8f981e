// kill -9 at any instant: whatever a flush() has acknowledged is there afterwards, and what is
// there is a state that the writer was in, never half a batch.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "env/env.h"
#include "store/fixture.h"
#include "store/sqlite_journal.h"

namespace minato::store {
namespace {

constexpr int kRounds = 50;
constexpr std::uint32_t kMaxTurns = 100'000;

using Contents = std::map<std::string, std::string>;

// One turn's writes, the same for writer and checker.
class Script {
 public:
  explicit Script(std::uint64_t seed) : rng_(seed) {}
  void run_turn(Store* store, Contents& model) {
    const std::uint64_t writes = 1 + rng_.below(20);
    for (std::uint64_t i = 0; i < writes; ++i) run_write(store, model);
  }

 private:
  void run_write(Store* store, Contents& model) {
    const std::string name = std::to_string(rng_.below(40));
    const std::string value = std::to_string(rng_.next()) + std::string(rng_.below(3000), 'x');
    const bool removes = rng_.chance(1, 4) && model.contains(name);
    if (store != nullptr) {
      const kube::ObjectPtr current = find_config(*store, name);
      const bool written =
          removes   ? store->remove(current, current->clone()).has_value()
          : current ? store->update(current, make_config(name, value)).has_value()
                    : store->create(make_config(name, value)).has_value();
      if (!written) ::_exit(2);
    }
    if (removes) {
      model.erase(name);
    } else {
      model[name] = value;
    }
  }
  env::Rng rng_;
};

struct Acknowledged {
  std::uint32_t turns = 0;
  std::uint64_t version = 0;
};

[[noreturn]] void write_until_killed(const std::string& path, std::uint64_t seed, int pipe) {
  auto journal = SqliteJournal::open(path);
  if (!journal) ::_exit(1);
  auto store = *Store::open(std::move(*journal));
  Script script(seed);
  Contents model;
  for (std::uint32_t turn = 1; turn < kMaxTurns; ++turn) {
    script.run_turn(store.get(), model);
    if (!store->flush()) ::_exit(3);
    const Acknowledged done{turn, store->resource_version()};
    if (::write(pipe, &done, sizeof done) != sizeof done) ::_exit(4);
  }
  ::_exit(5);
}

// Kills the writer after it has told of `turns` turns, and returns the last one that it told of.
Acknowledged kill_after(pid_t child, int pipe, std::uint32_t turns) {
  Acknowledged last, next;
  bool killed = false;
  while (::read(pipe, &next, sizeof next) == sizeof next) {
    last = next;
    if (!killed && last.turns >= turns) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(killed && WIFSIGNALED(status)) << "writer ended with " << status;
  return last;
}

Contents contents_of(const Store& store) {
  Contents out;
  for (const auto& [key, object] : store.all(config_map_kind())) out[key.name] = value_of(object);
  return out;
}

void run_round(std::uint64_t seed) {
  env::Rng rng(seed ^ 0x5EED);
  const TempDir dir;
  const std::string path = dir.file("state.db");
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(pipe[0]);
    write_until_killed(path, seed, pipe[1]);
  }
  ::close(pipe[1]);
  const Acknowledged last =
      kill_after(child, pipe[0], static_cast<std::uint32_t>(1 + rng.below(150)));
  ::close(pipe[0]);

  auto journal = SqliteJournal::open(path);
  ASSERT_TRUE(journal) << journal.error().message;
  const auto store = Store::open(std::move(*journal));
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_GE((*store)->resource_version(), last.version);
  Script script(seed);
  Contents expected;
  for (std::uint32_t turn = 0; turn < last.turns; ++turn) script.run_turn(nullptr, expected);
  // The kill may have come between a commit and its acknowledgement: then one turn more is there.
  const Contents found = contents_of(**store);
  if (found != expected) script.run_turn(nullptr, expected);
  EXPECT_TRUE(found == expected) << "seed " << seed << ", " << last.turns << " turns";
}

TEST(KillTest, AcknowledgedWritesSurviveAtAnyInstant) {
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    run_round(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace minato::store
