#include "cloud/catalogue_file.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace minato::cloud {
namespace {
namespace json = boost::json;

using Records = std::map<std::string, InstanceTypeRecord>;

InstanceTypeRecord& record(Records& records, std::string_view name) {
  InstanceTypeRecord& out = records[std::string(name)];
  out.name = name;
  return out;
}

std::string_view text(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return found->get_string();
}

const json::object* child(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

// "0.0960000000" in millionths, rounded to the nearest. Nothing when it is no amount.
std::optional<std::int64_t> parse_micro(std::string_view amount) {
  constexpr std::size_t kWholeDigits = 9;
  const std::size_t point = std::min(amount.find('.'), amount.size());
  const std::string_view whole = amount.substr(0, point);
  const std::string_view rest = point < amount.size() ? amount.substr(point + 1) : "";
  const auto digits = [](std::string_view part) {
    return std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole.empty() || whole.size() > kWholeDigits || !digits(whole) || !digits(rest)) return {};
  std::int64_t out = 0;
  for (const char c : whole) out = out * 10 + (c - '0');
  for (std::size_t i = 0; i < 6; ++i) out = out * 10 + (i < rest.size() ? rest[i] - '0' : 0);
  if (rest.size() > 6 && rest[6] >= '5') ++out;
  return out;
}

std::optional<std::string> architecture_of(const json::object& type) {
  const json::object* processor = child(type, "ProcessorInfo");
  const json::value* list =
      processor == nullptr ? nullptr : processor->if_contains("SupportedArchitectures");
  if (list == nullptr || !list->is_array()) return {};
  for (const json::value& item : list->get_array()) {
    if (item.is_string() && item.get_string() == "x86_64") return "amd64";
    if (item.is_string() && item.get_string() == "arm64") return "arm64";
  }
  return {};
}

std::optional<std::int32_t> number(const json::object* in, std::string_view name) {
  const json::value* found = in == nullptr ? nullptr : in->if_contains(name);
  if (found == nullptr || !found->is_number()) return {};
  boost::system::error_code error;
  const auto out = found->to_number<std::int32_t>(error);
  return error ? std::nullopt : std::optional(out);
}

void read_types(const json::array& list, Records& records) {
  for (const json::value& value : list) {
    const json::object* type = value.if_object();
    if (type == nullptr || text(*type, "InstanceType").empty()) continue;
    InstanceTypeRecord& out = record(records, text(*type, "InstanceType"));
    out.architecture = architecture_of(*type);
    out.vcpus = number(child(*type, "VCpuInfo"), "DefaultVCpus");
    out.memory_mib = number(child(*type, "MemoryInfo"), "SizeInMiB");
    const json::object* network = child(*type, "NetworkInfo");
    const auto interfaces = number(network, "MaximumNetworkInterfaces");
    const auto addresses = number(network, "Ipv4AddressesPerInterface");
    if (interfaces && addresses) out.max_pods = *interfaces * (*addresses - 1) + 2;
  }
}

bool is_plain_linux(const json::object& attributes) {
  const std::string_view status = text(attributes, "capacitystatus");
  return text(attributes, "operatingSystem") == "Linux" &&
         text(attributes, "tenancy") == "Shared" && text(attributes, "preInstalledSw") == "NA" &&
         (status.empty() || status == "Used");
}

// The hourly OnDemand dimension of one product.
std::optional<std::int64_t> on_demand_price(const json::object& product) {
  const json::object* terms = child(product, "terms");
  const json::object* offers = terms == nullptr ? nullptr : child(*terms, "OnDemand");
  if (offers == nullptr) return {};
  for (const auto& offer : *offers) {
    const json::object* term = offer.value().if_object();
    const json::object* dimensions = term == nullptr ? nullptr : child(*term, "priceDimensions");
    if (dimensions == nullptr) continue;
    for (const auto& entry : *dimensions) {
      const json::object* dimension = entry.value().if_object();
      if (dimension == nullptr || text(*dimension, "unit") != "Hrs") continue;
      const json::object* unit = child(*dimension, "pricePerUnit");
      if (unit != nullptr) return parse_micro(text(*unit, "USD"));
    }
  }
  return {};
}

Status read_product(const json::object& product, std::string_view region, Records& records) {
  const json::object* sold = child(product, "product");
  const json::object* attributes = sold == nullptr ? nullptr : child(*sold, "attributes");
  if (attributes == nullptr || !is_plain_linux(*attributes)) return {};
  const std::string_view name = text(*attributes, "instanceType");
  const std::string_view where = text(*attributes, "regionCode");
  const auto price = on_demand_price(product);
  // Products of reservations cost nothing by the hour.
  if (name.empty() || !price || *price == 0) return {};
  if (!region.empty() && !where.empty() && where != region) return {};
  InstanceTypeRecord& out = record(records, name);
  if (out.on_demand_micro_usd && *out.on_demand_micro_usd != *price) {
    return fail(Reason::kInvalid, "the price list has two prices for " + std::string(name) +
                                      "; ask for one region (regionCode)");
  }
  out.on_demand_micro_usd = price;
  return {};
}

// The command line prints every product as a string of JSON, the SDKs hand out objects.
Status read_prices(const json::array& list, std::string_view region, Records& records) {
  for (const json::value& value : list) {
    if (const json::object* product = value.if_object()) {
      RETURN_IF_ERROR(read_product(*product, region, records));
    } else if (const json::string* raw = value.if_string()) {
      boost::system::error_code error;
      const json::value parsed = json::parse(*raw, error);
      if (error || !parsed.is_object()) {
        return fail(Reason::kInvalid, "an entry of PriceList is no JSON object");
      }
      RETURN_IF_ERROR(read_product(parsed.get_object(), region, records));
    }
  }
  return {};
}

void read_spot(const json::array& list, std::string_view region, Records& records) {
  struct Newest {
    std::string_view at;
    std::int64_t price = 0;
  };
  std::map<std::string_view, std::map<std::string_view, Newest>> newest;  // By type, by zone.
  for (const json::value& value : list) {
    const json::object* entry = value.if_object();
    if (entry == nullptr) continue;
    const std::string_view type = text(*entry, "InstanceType");
    const std::string_view zone = text(*entry, "AvailabilityZone");
    const std::string_view product = text(*entry, "ProductDescription");
    const auto price = parse_micro(text(*entry, "SpotPrice"));
    const bool ours = product == "Linux/UNIX" || product == "Linux/UNIX (Amazon VPC)";
    if (type.empty() || !ours || !price || !zone.starts_with(region)) continue;
    Newest& known = newest[type][zone];
    const std::string_view at = text(*entry, "Timestamp");  // RFC 3339 in UTC: ordered as text.
    if (at >= known.at) known = {at, *price};
  }
  for (const auto& [type, zones] : newest) {
    std::int64_t sum = 0;
    for (const auto& [zone, entry] : zones) sum += entry.price;
    record(records, type).spot_micro_usd = sum / static_cast<std::int64_t>(zones.size());
  }
}

}  // namespace

Result<std::vector<InstanceTypeRecord>> read_catalogue(std::string_view document,
                                                       std::string_view region) {
  boost::system::error_code error;
  const json::value parsed = json::parse(document, error);
  if (error || !parsed.is_object()) {
    return fail(Reason::kInvalid, "the catalogue file is no JSON object: save what the aws command "
                                  "prints with --output json");
  }
  const auto list = [&](std::string_view name) -> const json::array* {
    const json::value* found = parsed.get_object().if_contains(name);
    return found == nullptr ? nullptr : found->if_array();
  };
  const json::array* types = list("InstanceTypes");
  const json::array* prices = list("PriceList");
  const json::array* spot = list("SpotPriceHistory");
  if (types == nullptr && prices == nullptr && spot == nullptr) {
    return fail(Reason::kInvalid, "the catalogue file has none of the lists InstanceTypes, "
                                  "PriceList and SpotPriceHistory");
  }
  Records records;
  if (types != nullptr) read_types(*types, records);
  if (prices != nullptr) RETURN_IF_ERROR(read_prices(*prices, region, records));
  if (spot != nullptr) read_spot(*spot, region, records);
  std::vector<InstanceTypeRecord> out;
  for (auto& [name, entry] : records) out.push_back(std::move(entry));
  return out;
}

void update(InstanceTypeRecord& record, const InstanceTypeRecord& other) {
  const auto take = [](auto& fact, const auto& said) {
    if (said) fact = said;
  };
  record.name = other.name;
  take(record.architecture, other.architecture);
  take(record.vcpus, other.vcpus);
  take(record.memory_mib, other.memory_mib);
  take(record.max_pods, other.max_pods);
  take(record.on_demand_micro_usd, other.on_demand_micro_usd);
  take(record.spot_micro_usd, other.spot_micro_usd);
}

Catalogue::Catalogue() {
  for (const InstanceType& type : built_in_types()) types_.emplace(type.name, type);
}

const Catalogue& Catalogue::built_in() {
  static const Catalogue types;
  return types;
}

std::vector<std::string> Catalogue::merge(const std::vector<InstanceTypeRecord>& records) {
  std::vector<std::string> left_out;
  for (const InstanceTypeRecord& in : records) {
    const bool sized = in.architecture && in.vcpus && in.memory_mib && in.max_pods;
    if (!types_.contains(in.name) && !sized) {
      left_out.push_back(in.name);
      continue;
    }
    const auto [found, is_new] = types_.try_emplace(in.name);
    InstanceType& type = found->second;
    type.name = found->first;  // Views of the key, which stays where it is.
    if (in.architecture) type.architecture = *in.architecture == "arm64" ? "arm64" : "amd64";
    if (in.vcpus) type.vcpus = *in.vcpus;
    if (in.memory_mib) type.memory_mib = *in.memory_mib;
    if (in.max_pods) type.max_pods = *in.max_pods;
    if (in.on_demand_micro_usd) type.on_demand_micro_usd = *in.on_demand_micro_usd;
    if (in.spot_micro_usd) type.spot_micro_usd = *in.spot_micro_usd;
  }
  return left_out;
}

std::vector<InstanceType> Catalogue::all() const {
  std::vector<InstanceType> out;
  for (const auto& [name, type] : types_) out.push_back(type);
  return out;
}

const InstanceType* Catalogue::find(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

}  // namespace minato::cloud
