// The scaling activities of all groups: those in progress, and a bounded history of ended ones.
//
// Owned by Cloud, saved with it. Loop thread only.
//
// Rules: Amazon EC2 Auto Scaling API Reference, Activity (status codes, DescribeScalingActivities).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloudmodel/kept.h"

namespace minato::cloudmodel {

class ActivityLog {
 public:
  // `history`: how many ended ones are kept.
  explicit ActivityLog(std::size_t history) : history_(history) {}

  // Gives it its number; it is in progress.
  std::uint64_t begin(cloud::Activity activity, WallTime now);
  // Unknown numbers (0) are passed over: an instance of a former version has none.
  void finish(std::uint64_t id, std::string_view status, std::string message, WallTime now);

  std::vector<cloud::Activity> list() const;  // Oldest first.
  const std::map<std::uint64_t, Kept<cloud::Activity>>& all() const { return all_; }
  std::uint64_t next_id() const { return next_id_; }
  void restore(std::uint64_t next_id, const std::vector<cloud::Activity>& all);

 private:
  std::size_t history_;
  std::size_t ended_ = 0;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Kept<cloud::Activity>> all_;
};

}  // namespace minato::cloudmodel
