// Journal on one SQLite file in WAL mode. A batch is one transaction (group commit), so a commit
// costs about the same for one change as for hundreds.
//
// The file has one owner: it is locked while open, and a second process is told so. It is readable
// by its user only, since Secrets are in it. Objects are stored as their API JSON, so the file can
// be read with any SQLite tool, and unknown fields survive.
// Errors: Unavailable, with the file's name and what to do.
#pragma once

#include <memory>
#include <string>

#include "store/journal.h"

struct sqlite3;

namespace minato::store {

struct SqliteOptions {
  // What a committed batch survives. kNormal: any end of the process. kFull: loss of power too, for
  // one fsync per commit.
  enum class Sync { kNormal, kFull };
  Sync sync = Sync::kNormal;
};

class SqliteJournal final : public Journal {
 public:
  // Makes the file when it is not there; its directory must exist.
  static Result<std::unique_ptr<SqliteJournal>> open(const std::string& path,
                                                     const SqliteOptions& options = {});
  ~SqliteJournal() override;

  Result<Batch> load(kube::Kinds& kinds) override;
  Status commit(const Batch& batch) override;

 private:
  struct Statements;
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };

  SqliteJournal(std::string path, std::unique_ptr<sqlite3, CloseDatabase> database);
  Status prepare(const SqliteOptions& options);
  Status check_owner();
  Status execute(const char* sql);
  Status write(const Batch& batch);
  Status load_objects(Batch& batch, kube::Kinds& kinds);
  Status load_documents(Batch& batch);
  Status load_version(Batch& batch);
  std::unexpected<Error> failure() const;

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::unique_ptr<Statements> statements_;  // Gone before the database closes.
};

}  // namespace minato::store
