// For tests in this directory.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "kube/types/config.h"
#include "store/store.h"

namespace minato::store {

inline const kube::Kind& config_map_kind() { return kube::ConfigMap::static_kind(); }

inline std::unique_ptr<kube::ConfigMap> make_config(const std::string& name,
                                                    const std::string& value = "") {
  auto out = std::make_unique<kube::ConfigMap>();
  out->metadata.namespace_ = "default";
  out->metadata.name = name;
  out->data["value"] = value;
  return out;
}

inline kube::ObjectPtr find_config(const Store& store, const std::string& name) {
  return store.get(config_map_kind(), {"default", name});
}

inline const std::string& value_of(const kube::ObjectPtr& object) {
  return kube::as<kube::ConfigMap>(*object).data.at("value");
}

// Removed with what is in it.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "store-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// A Journal in memory that fails when told to.
struct FakeJournal final : Journal {
  struct Disk {
    std::vector<Batch> batches;
    bool full = false;
  };
  explicit FakeJournal(Disk& where) : disk(where) {}
  Result<Batch> load(kube::Kinds&) override { return Batch{}; }
  Status commit(const Batch& batch) override {
    if (disk.full) return fail(Reason::kUnavailable, "the disk is full");
    disk.batches.push_back(batch);
    return {};
  }
  Disk& disk;
};

}  // namespace minato::store
