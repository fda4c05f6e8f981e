#include "store/sqlite_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "kube/json.h"

namespace minato::store {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x6D696E61;  // "mina": PRAGMA application_id.

constexpr const char* kSchema = R"(
  CREATE TABLE objects (
    kind TEXT NOT NULL,              -- as errors name it: "pods", "deployments.apps"
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    resource_version INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name));  -- With row ids: objects are large beside their keys.
  CREATE TABLE documents (name TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE versions (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
)";

// A prepared statement. Texts are bound without copying: they outlive the step.
class Statement {
 public:
  Statement() = default;
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  bool prepare(sqlite3* database, const char* sql) {
    return sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) ==
           SQLITE_OK;
  }
  void bind(int index, std::string_view text) {
    sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind(int index, std::uint64_t number) {
    sqlite3_bind_int64(statement_, index, static_cast<sqlite3_int64>(number));
  }
  bool run() {
    const int result = sqlite3_step(statement_);
    sqlite3_reset(statement_);
    return result == SQLITE_DONE;
  }
  // True while there is a row; afterwards `failed` says whether the end is the end.
  bool next() {
    const int result = sqlite3_step(statement_);
    failed = result != SQLITE_ROW && result != SQLITE_DONE;
    return result == SQLITE_ROW;
  }
  std::string_view text(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view{}
                           : std::string_view(data, static_cast<std::size_t>(size));
  }
  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  bool failed = false;

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// Custom objects may have been written in a version that is not the one of storage any more.
Result<std::unique_ptr<kube::Object>> read_stored(const kube::Kind& kind, std::string_view text) {
  if (!kind.custom) {
    auto object = kube::object_from_json(text);
    if (object && (*object)->kind() != kind) return fail(Reason::kInvalid, "it is of another kind");
    return object;
  }
  ASSIGN_OR_RETURN(const boost::json::value value, kube::parse_json(text));
  return kube::object_of_kind(kind, value);
}

// Before SQLite does, with permissions for the user alone; its WAL gets the same.
Status make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return {};
  }
  if (errno == EEXIST) return {};
  return fail(Reason::kUnavailable, fail_errno(path, errno).error().message);
}

}  // namespace

struct SqliteJournal::Statements {
  Statement begin, commit, rollback, put_object, remove_object, put_document, put_version;

  bool prepare(sqlite3* database) {
    return begin.prepare(database, "BEGIN IMMEDIATE") && commit.prepare(database, "COMMIT") &&
           rollback.prepare(database, "ROLLBACK") &&
           put_object.prepare(
               database, "INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5)") &&
           remove_object.prepare(
               database, "DELETE FROM objects WHERE kind = ?1 AND namespace = ?2 AND name = ?3") &&
           put_document.prepare(database, "INSERT OR REPLACE INTO documents VALUES (?1, ?2)") &&
           put_version.prepare(database, "INSERT OR REPLACE INTO versions VALUES ('highest', ?1)");
  }
};

void SqliteJournal::CloseDatabase::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

SqliteJournal::SqliteJournal(std::string path, std::unique_ptr<sqlite3, CloseDatabase> database)
    : path_(std::move(path)),
      database_(std::move(database)),
      statements_(std::make_unique<Statements>()) {}

SqliteJournal::~SqliteJournal() = default;

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::string& path,
                                                           const SqliteOptions& options) {
  RETURN_IF_ERROR(make_file(path));
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  // Even a failed open hands out a database, which says why.
  std::unique_ptr<SqliteJournal> journal(
      new SqliteJournal(path, std::unique_ptr<sqlite3, CloseDatabase>(raw)));
  if (opened != SQLITE_OK) return journal->failure();
  sqlite3_extended_result_codes(raw, 1);
  RETURN_IF_ERROR(journal->prepare(options));
  return journal;
}

Status SqliteJournal::prepare(const SqliteOptions& options) {
  // Exclusive locking before WAL: then SQLite needs no shared memory file. A cache of 16 MiB holds
  // a local cluster; a checkpoint every 8 MiB is rare, and over before many have waited for it.
  RETURN_IF_ERROR(execute("PRAGMA locking_mode = EXCLUSIVE"));
  RETURN_IF_ERROR(check_owner());
  RETURN_IF_ERROR(execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 2048; "
                          "PRAGMA cache_size = -16384"));
  RETURN_IF_ERROR(execute(options.sync == SqliteOptions::Sync::kFull
                              ? "PRAGMA synchronous = FULL"
                              : "PRAGMA synchronous = NORMAL"));
  if (!statements_->prepare(database_.get())) return failure();
  return {};
}

// Is it ours, and of a version that this program knows? A new file gets its tables.
Status SqliteJournal::check_owner() {
  const auto read = [this](const char* sql, std::uint64_t& value) {
    Statement statement;
    if (!statement.prepare(database_.get(), sql) || !statement.next()) return false;
    value = statement.number(0);
    return true;
  };
  std::uint64_t application = 0, version = 0, tables = 0;
  if (!read("PRAGMA application_id", application) || !read("PRAGMA user_version", version) ||
      !read("SELECT count(*) FROM sqlite_schema", tables)) {
    return failure();
  }
  if (tables == 0) {
    return execute(fmt::format("BEGIN IMMEDIATE; PRAGMA application_id = {}; "
                               "PRAGMA user_version = {}; {} COMMIT;",
                               kApplicationId, kSchemaVersion, kSchema).c_str());
  }
  if (application != kApplicationId) {
    return fail(Reason::kUnavailable,
                fmt::format("{} is a database of another program; use another file", path_));
  }
  if (version > kSchemaVersion) {
    return fail(Reason::kUnavailable,
                fmt::format("{} was written by a newer minato (format {}, this one knows {}); "
                            "use that version or another file", path_, version, kSchemaVersion));
  }
  return {};
}

Status SqliteJournal::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure();
}

std::unexpected<Error> SqliteJournal::failure() const {
  const char* detail = sqlite3_errmsg(database_.get());
  const auto because = [&](std::string_view what) {
    return fail(Reason::kUnavailable, fmt::format("{} {} ({})", path_, what, detail));
  };
  switch (sqlite3_errcode(database_.get()) & 0xFF) {
    case SQLITE_FULL: return because("cannot grow: the disk is full; free some space");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return because("is in use by another process; stop that one first");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return because("is damaged; restore a copy, or remove the file to start empty");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return because("cannot be written; check its permissions");
    case SQLITE_CANTOPEN: return because("cannot be opened; check its directory and permissions");
    default: return because("failed; check the disk");
  }
}

Result<Batch> SqliteJournal::load(kube::Kinds& kinds) {
  Batch batch;
  RETURN_IF_ERROR(load_objects(batch, kinds));
  RETURN_IF_ERROR(load_documents(batch));
  RETURN_IF_ERROR(load_version(batch));
  return batch;
}

// Definitions first: they say what the custom objects are.
Status SqliteJournal::load_objects(Batch& batch, kube::Kinds& kinds) {
  Statement rows;
  if (!rows.prepare(database_.get(),
                    "SELECT kind, namespace, name, resource_version, json FROM objects "
                    "ORDER BY kind <> 'customresourcedefinitions.apiextensions.k8s.io', kind, "
                    "namespace, name")) {
    return failure();
  }
  while (rows.next()) {
    kube::ObjectKey key{std::string(rows.text(1)), std::string(rows.text(2))};
    const kube::Kind* kind = kinds.find_stored(rows.text(0));
    if (kind == nullptr) {
      return fail(Reason::kUnavailable,
                  fmt::format("{} holds {} \"{}\", a kind that this version does not serve", path_,
                              rows.text(0), key.to_string()));
    }
    auto object = read_stored(*kind, rows.text(4));
    if (!object || (*object)->key() != key) {
      return fail(Reason::kUnavailable,
                  fmt::format("{} is damaged: {} \"{}\" cannot be read{}", path_, rows.text(0),
                              key.to_string(), object ? "" : ": " + object.error().message));
    }
    if (*kind == kube::CustomResourceDefinition::static_kind())
      kinds.follow(kube::as<kube::CustomResourceDefinition>(**object));
    batch.resource_version = std::max(batch.resource_version, rows.number(3));
    batch.objects.push_back({kind, std::move(key), std::move(*object)});
  }
  if (rows.failed) return failure();
  return {};
}

Status SqliteJournal::load_documents(Batch& batch) {
  Statement rows;
  if (!rows.prepare(database_.get(), "SELECT name, text FROM documents ORDER BY name")) {
    return failure();
  }
  while (rows.next()) {
    batch.documents.push_back({std::string(rows.text(0)), std::string(rows.text(1))});
  }
  if (rows.failed) return failure();
  return {};
}

// Kept apart where no object has it: the highest version may be that of one that was deleted.
Status SqliteJournal::load_version(Batch& batch) {
  Statement rows;
  if (!rows.prepare(database_.get(), "SELECT value FROM versions WHERE name = 'highest'")) {
    return failure();
  }
  if (rows.next()) batch.resource_version = std::max(batch.resource_version, rows.number(0));
  if (rows.failed) return failure();
  return {};
}

Status SqliteJournal::commit(const Batch& batch) {
  Status written = write(batch);
  // Some errors have ended the transaction already; then this one fails, and may.
  if (!written && sqlite3_get_autocommit(database_.get()) == 0) statements_->rollback.run();
  return written;
}

Status SqliteJournal::write(const Batch& batch) {
  if (!statements_->begin.run()) return failure();
  std::uint64_t highest = 0;  // Of what the objects say themselves.
  for (const Batch::ObjectChange& change : batch.objects) {
    const std::string kind = change.kind->group_resource();
    std::string text;
    Statement& statement =
        change.object ? statements_->put_object : statements_->remove_object;
    statement.bind(1, kind);
    statement.bind(2, change.key.namespace_);
    statement.bind(3, change.key.name);
    if (change.object) {
      const auto parsed = parse_int(change.object->metadata.resource_version);
      const auto version = static_cast<std::uint64_t>(parsed.value_or(0));
      highest = std::max(highest, version);
      statement.bind(4, version);
      if (!change.text) text = kube::to_json(*change.object);
      statement.bind(5, change.text ? *change.text : text);
    }
    if (!statement.run()) return failure();
  }
  for (const Batch::DocumentChange& change : batch.documents) {
    statements_->put_document.bind(1, change.name);
    statements_->put_document.bind(2, change.text);
    if (!statements_->put_document.run()) return failure();
  }
  // One page less to write for most commits.
  if (highest < batch.resource_version) {
    statements_->put_version.bind(1, batch.resource_version);
    if (!statements_->put_version.run()) return failure();
  }
  if (!statements_->commit.run()) return failure();
  return {};
}

}  // namespace minato::store
