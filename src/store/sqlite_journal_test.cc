#include "store/sqlite_journal.h"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "kube/json.h"
#include "store/fixture.h"

namespace minato::store {
namespace {

class SqliteJournalTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Store>> open_store(const StoreOptions& options = {}) {
    ASSIGN_OR_RETURN(auto journal, SqliteJournal::open(path_));
    return Store::open(std::move(journal), options);
  }
  void run_sql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
    sqlite3_close(database);
  }
  TempDir dir_;
  std::string path_ = dir_.file("state.db");
};

TEST_F(SqliteJournalTest, EverythingIsThereAfterAReopen) {
  {
    auto store = *open_store();
    ASSERT_TRUE(store->create(make_config("a", "text with \"quotes\" and \n lines")));
    auto raw = kube::object_from_json(std::string_view(
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"u","namespace":"n"},
            "x":[1]})"));
    ASSERT_TRUE(store->create(std::move(*raw)));
    const kube::ObjectPtr b = *store->create(make_config("b"));
    ASSERT_TRUE(store->remove(b, b->clone()));
    ASSERT_TRUE(store->put_document("cloud", R"({"v":1})"));
    EXPECT_EQ(store->resource_version(), 5U);
  }
  auto store = *open_store();
  EXPECT_EQ(store->resource_version(), 5U);  // That of the deletion.
  EXPECT_EQ(value_of(find_config(*store, "a")), "text with \"quotes\" and \n lines");
  EXPECT_EQ(find_config(*store, "a")->metadata.resource_version, "2");
  EXPECT_NE(kube::to_json(*store->get(config_map_kind(), {"n", "u"})).find(R"("x":[1])"),
            std::string::npos);
  EXPECT_FALSE(find_config(*store, "b"));
  EXPECT_EQ(store->get_document("cloud"), R"({"v":1})");
  EXPECT_EQ(store->get_document("none"), "");
  // The history is gone, so older watches must list again.
  EXPECT_TRUE(failed_with(store->watch(config_map_kind(), 4, [](const Event&) {}),
                          Reason::kExpired));
  EXPECT_TRUE(store->watch(config_map_kind(), 5, [](const Event&) {}));
}

std::unique_ptr<kube::CustomResourceDefinition> make_definition(const std::string& uid) {
  auto out = std::make_unique<kube::CustomResourceDefinition>();
  out->metadata.name = "configs.example.com";  // Before "configmaps" in no order but the name's.
  out->metadata.uid = uid;
  out->spec.group = "example.com";
  out->spec.scope = "Namespaced";
  out->status.accepted_names.plural = "configs";
  out->status.accepted_names.kind = "Config";
  out->status.conditions.push_back({.type = "Established", .status = "True"});
  out->spec.versions.push_back({.name = "v1", .served = true, .storage = true});
  return out;
}

std::unique_ptr<kube::Object> make_custom(const Store& store, const std::string& name) {
  auto out = store.kinds().find("example.com/v1", "Config")->in_store().make();
  out->metadata.namespace_ = "n";
  out->metadata.name = name;
  return out;
}

TEST_F(SqliteJournalTest, CustomObjectsHaveTheirKindsAfterAReopen) {
  {
    auto store = *open_store();
    ASSERT_TRUE(store->create(make_definition("1")));
    ASSERT_TRUE(store->create(make_custom(*store, "a")));
  }
  auto store = *open_store();
  const kube::Kind* kind = store->kinds().find("example.com/v1", "Config");
  ASSERT_NE(kind, nullptr);
  const kube::ObjectPtr found = store->get(*kind, {"n", "a"});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->kind(), kind->in_store());
}

TEST_F(SqliteJournalTest, ADefinitionMadeAnewInOneTurnKeepsItsNewObjects) {
  {
    auto store = *open_store();
    const kube::ObjectPtr old = *store->create(make_definition("1"));
    const kube::ObjectPtr object = *store->create(make_custom(*store, "a"));
    ASSERT_TRUE(store->flush());
    ASSERT_TRUE(store->remove(object, object->clone()));
    ASSERT_TRUE(store->remove(old, old->clone()));
    EXPECT_EQ(store->kinds().find("example.com/v1", "Config"), nullptr);
    ASSERT_TRUE(store->create(make_definition("2")));
    EXPECT_TRUE(store->all(*store->kinds().find("example.com/v1", "Config")).empty());
    ASSERT_TRUE(store->create(make_custom(*store, "a")));
  }
  auto store = *open_store();
  EXPECT_EQ(store->all(*store->kinds().find("example.com/v1", "Config")).size(), 1U);
}

TEST_F(SqliteJournalTest, TheFileIsForItsUserAlone) {
  auto store = *open_store();
  ASSERT_TRUE(store->create(make_config("a")));
  ASSERT_TRUE(store->flush());
  for (const std::string& name : {path_, path_ + "-wal"}) {
    struct stat info {};
    ASSERT_EQ(::stat(name.c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(SqliteJournalTest, ASecondOwnerIsRefused) {
  auto store = *open_store();
  ASSERT_TRUE(store->create(make_config("a")));
  ASSERT_TRUE(store->flush());
  const auto second = SqliteJournal::open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::kUnavailable);
  EXPECT_NE(second.error().message.find("in use by another process"), std::string::npos)
      << second.error().message;
}

TEST_F(SqliteJournalTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto opened = open_store();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kUnavailable);
  EXPECT_NE(opened.error().message.find("is damaged"), std::string::npos) << opened.error().message;
}

TEST_F(SqliteJournalTest, AnotherProgramsDatabaseIsRefused) {
  run_sql("CREATE TABLE other (x)");
  const auto opened = open_store();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("another program"), std::string::npos);
}

TEST_F(SqliteJournalTest, ANewerFormatIsRefused) {
  ASSERT_TRUE(open_store());
  run_sql("PRAGMA user_version = 99");
  const auto opened = open_store();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("newer minato (format 99"), std::string::npos);
}

TEST_F(SqliteJournalTest, AnObjectThatCannotBeReadIsNamed) {
  {
    auto store = *open_store();
    ASSERT_TRUE(store->create(make_config("a")));
  }
  run_sql("UPDATE objects SET json = '{'");
  const auto opened = open_store();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("configmaps \"default/a\" cannot be read"),
            std::string::npos)
      << opened.error().message;
}

TEST_F(SqliteJournalTest, AMissingDirectoryIsNamed) {
  const auto opened = SqliteJournal::open(dir_.file("no/state.db"));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("no/state.db"), std::string::npos);
}

// In a child, since the limit is the whole process's.
void fill_the_disk(const std::string& path) {
  const auto require = [](bool holds, int code) {
    if (!holds) ::_exit(code);
  };
  std::signal(SIGXFSZ, SIG_IGN);
  auto journal = SqliteJournal::open(path);
  require(journal.has_value(), 1);
  auto store = *Store::open(std::move(*journal));
  require(store->create(make_config("first", "kept")) && store->flush(), 2);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 256 << 10;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  require(store->create(make_config("big", std::string(1 << 19, 'x'))).has_value(), 3);
  require(failed_with(store->flush(), Reason::kUnavailable), 4);
  require(failed_with(store->create(make_config("late")), Reason::kUnavailable), 5);
  limit.rlim_cur = before;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  require(store->flush().has_value(), 6);
  require(store->create(make_config("late")).has_value(), 7);
  require(store->flush().has_value(), 8);
  ::_exit(0);
}

TEST_F(SqliteJournalTest, AFullDiskIsSurvived) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) fill_the_disk(path_);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  auto store = *open_store();
  for (const char* name : {"first", "big", "late"}) EXPECT_TRUE(find_config(*store, name)) << name;
}

}  // namespace
}  // namespace minato::store
