#include "cloudmodel/costs.h"

#include <algorithm>

#include "base/check.h"

namespace minato::cloudmodel {
namespace {

constexpr std::int64_t kLeastSeconds = 60;

void add(Costs& costs, const std::string& group, cloud::Market market, Cost cost) {
  costs.total += cost;
  costs.groups[group] += cost;
  (market == cloud::Market::kSpot ? costs.spot : costs.on_demand) += cost;
}

}  // namespace

Cost Bill::cost(WallTime now) const {
  if (!is_set(from) || waived) return {};
  // A wall clock that was set back bills nothing rather than less than nothing.
  const Duration ran = std::max((is_set(until) ? until : now) - from, Duration{0});
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(ran).count();
  return {micro_usd_per_hour * std::max(seconds, kLeastSeconds)};
}

void EndedBills::add(Bill bill) {
  CHECK(is_set(bill.until) || !is_set(bill.from), "the bill of {} is open", bill.instance_id);
  sums_[{bill.group, bill.market}] += bill.cost(bill.until);
  recent_.emplace_back(std::move(bill));
  if (recent_.size() > history_) recent_.pop_front();
}

Costs EndedBills::costs(std::vector<Bill> running, WallTime now) const {
  Costs out;
  for (const auto& [key, sum] : sums_) cloudmodel::add(out, key.first, key.second, sum);
  for (const Bill& bill : running) cloudmodel::add(out, bill.group, bill.market, bill.cost(now));
  out.instances = std::move(running);
  for (const Kept<Bill>& bill : recent_) out.instances.push_back(*bill);
  return out;
}

void EndedBills::restore(const std::vector<Bill>& recent,
                         std::map<std::pair<std::string, cloud::Market>, Cost> sums) {
  recent_.clear();
  for (const Bill& bill : recent) recent_.emplace_back(bill);
  sums_ = std::move(sums);
}

}  // namespace minato::cloudmodel
