#include "cloud/kept_catalogue.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace minato::cloud {
namespace {
namespace json = boost::json;

constexpr std::string_view kListName = "instanceTypes";

template <class T>
void put(json::object& out, std::string_view name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}

constexpr std::int64_t kMost = 1'000'000'000'000;  // A million dollars an hour.

// Numbers above nothing only. False: there is one that is not.
template <class T>
bool take(const json::object& in, std::string_view name, std::optional<T>& out) {
  const json::value* found = in.if_contains(name);
  if (found == nullptr) return true;
  boost::system::error_code error;
  out = found->is_number() ? found->to_number<T>(error) : T{};
  return !error && *out > 0 && *out <= kMost;
}

std::string text_of(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

Result<InstanceTypeRecord> read_type(const json::value& value) {
  InstanceTypeRecord out;
  const json::object* in = value.if_object();
  if (in == nullptr || (out.name = text_of(*in, "name")).empty()) {
    return fail(Reason::kInvalid, "an entry of instanceTypes has no name");
  }
  if (const std::string found = text_of(*in, "architecture"); !found.empty()) out.architecture = found;
  if (!take(*in, "vcpus", out.vcpus) || !take(*in, "memoryMib", out.memory_mib) ||
      !take(*in, "maxPods", out.max_pods) ||
      !take(*in, "onDemandMicroUsd", out.on_demand_micro_usd) ||
      !take(*in, "spotMicroUsd", out.spot_micro_usd)) {
    return fail(Reason::kInvalid, "instanceTypes: a figure of " + out.name + " is no number above 0");
  }
  return out;
}

}  // namespace

std::string to_json(const KeptCatalogue& kept) {
  json::array types;
  for (const InstanceTypeRecord& type : kept.types) {
    json::object out{{"name", type.name}};
    put(out, "architecture", type.architecture);
    put(out, "vcpus", type.vcpus);
    put(out, "memoryMib", type.memory_mib);
    put(out, "maxPods", type.max_pods);
    put(out, "onDemandMicroUsd", type.on_demand_micro_usd);
    put(out, "spotMicroUsd", type.spot_micro_usd);
    types.push_back(std::move(out));
  }
  return json::serialize(
      json::object{{"region", kept.region}, {"at", kept.at}, {kListName, std::move(types)}});
}

Result<KeptCatalogue> read_kept_catalogue(std::string_view document) {
  boost::system::error_code error;
  const json::value parsed = json::parse(document, error);
  const json::object* in = error ? nullptr : parsed.if_object();
  const json::value* types = in == nullptr ? nullptr : in->if_contains(kListName);
  KeptCatalogue out;
  if (types == nullptr || !types->is_array()) {
    ASSIGN_OR_RETURN(out.types, read_catalogue(document));
    return out;
  }
  out.region = text_of(*in, "region");
  out.at = text_of(*in, "at");
  for (const json::value& type : types->get_array()) {
    ASSIGN_OR_RETURN(InstanceTypeRecord record, read_type(type));
    out.types.push_back(std::move(record));
  }
  return out;
}

}  // namespace minato::cloud
