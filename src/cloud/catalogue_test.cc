#include "cloud/catalogue_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace minato::cloud {
namespace {

TEST(CatalogueTest, IsOrderedByNameAndCompletelyFilled) {
  EXPECT_GE(built_in_types().size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(built_in_types(), {}, &InstanceType::name));
  for (const InstanceType& type : built_in_types()) {
    EXPECT_NE(Catalogue::built_in().find(type.name), nullptr);
    EXPECT_GT(type.vcpus, 0) << type.name;
    EXPECT_GT(type.max_pods, 0) << type.name;
    EXPECT_GT(type.on_demand_micro_usd, 0) << type.name;
    EXPECT_LT(micro_usd_per_hour(type, Market::kSpot), type.on_demand_micro_usd) << type.name;
    EXPECT_GT(micro_usd_per_hour(type, Market::kSpot), 0) << type.name;
  }
  EXPECT_EQ(Catalogue::built_in().find("m5.huge"), nullptr);
  EXPECT_EQ(Catalogue::built_in().find(""), nullptr);
  EXPECT_EQ(Catalogue::built_in().find("zz"), nullptr);
}

TEST(CatalogueTest, PricesGrowWithTheSizeWithinAFamily) {
  std::map<std::string_view, std::int64_t> per_vcpu_memory;
  for (const InstanceType& type : built_in_types()) {
    if (type.name.starts_with("t")) continue;
    const std::string_view family = type.name.substr(0, type.name.find('.'));
    const auto [known, is_new] =
        per_vcpu_memory.try_emplace(family, type.on_demand_micro_usd / type.vcpus);
    EXPECT_EQ(known->second, type.on_demand_micro_usd / type.vcpus) << type.name;
  }
  EXPECT_EQ(Catalogue::built_in().find("m5.large")->on_demand_micro_usd, 96'000);
  EXPECT_EQ(Catalogue::built_in().find("c7i.4xlarge")->on_demand_micro_usd, 714'000);
  EXPECT_EQ(Catalogue::built_in().find("t3a.small")->on_demand_micro_usd, 18'800);
}

TEST(CatalogueTest, KubeReservedFollowsTheEksNodeConfiguration) {
  struct Case {
    std::string_view type;
    std::int64_t cpu_milli;
    std::int64_t memory_mib;
  };
  for (const Case& c : {Case{"t3.medium", 70, 442}, Case{"m5.large", 70, 574},
                        Case{"m5.xlarge", 80, 893}, Case{"m5.2xlarge", 90, 893},
                        Case{"m5.4xlarge", 110, 2829}}) {
    const KubeReserved reserved = kube_reserved(*Catalogue::built_in().find(c.type));
    EXPECT_EQ(reserved.cpu_milli, c.cpu_milli) << c.type;
    EXPECT_EQ(reserved.memory_bytes, c.memory_mib << 20) << c.type;
  }
}

constexpr std::string_view kTypes = R"({"InstanceTypes": [
  {"InstanceType": "m8g.large", "VCpuInfo": {"DefaultVCpus": 2}, "MemoryInfo": {"SizeInMiB": 8192},
   "NetworkInfo": {"MaximumNetworkInterfaces": 3, "Ipv4AddressesPerInterface": 10},
   "ProcessorInfo": {"SupportedArchitectures": ["arm64"]}},
  {"InstanceType": "t2.micro", "VCpuInfo": {"DefaultVCpus": 1}, "MemoryInfo": {"SizeInMiB": 1024},
   "NetworkInfo": {"MaximumNetworkInterfaces": 2, "Ipv4AddressesPerInterface": 2},
   "ProcessorInfo": {"SupportedArchitectures": ["i386", "x86_64"]}}]})";

TEST(CatalogueFileTest, ReadsWhatDescribeInstanceTypesPrints) {
  const auto records = read_catalogue(kTypes);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0], (InstanceTypeRecord{"m8g.large", "arm64", 2, 8192, 29, {}, {}}));
  EXPECT_EQ((*records)[1], (InstanceTypeRecord{"t2.micro", "amd64", 1, 1024, 4, {}, {}}));
}

std::string product(std::string_view type, std::string_view usd, std::string_view more) {
  return R"({"product":{"attributes":{"instanceType":")" + std::string(type) + R"(",)" +
         std::string(more) + R"(}},"terms":{"OnDemand":{"A.B":{"priceDimensions":{"A.B.C":)" +
         R"({"unit":"Hrs","pricePerUnit":{"USD":")" + std::string(usd) + R"("}}}}}}})";
}

std::string plain(std::string_view region) {
  return R"("operatingSystem":"Linux","tenancy":"Shared","preInstalledSw":"NA",)"
         R"("capacitystatus":"Used","regionCode":")" +
         std::string(region) + R"(")";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + "\"";
}

TEST(CatalogueFileTest, ReadsThePriceListAndPassesOverWhatIsNotPlainLinux) {
  const std::string windows =
      R"("operatingSystem":"Windows","tenancy":"Shared","preInstalledSw":"NA")";
  const std::string reserved = plain("eu-west-1");
  const std::string text =
      R"({"PriceList":[)" + quoted(product("m5.large", "0.1070000000", plain("eu-west-1"))) + "," +
      quoted(product("m5.large", "0.1990000000", windows)) + "," +
      product("m5.large", "0.0000000000", reserved) + "," +
      product("c5.large", "0.0000015", plain("eu-west-1")) + "," +
      product("r5.large", "0.126", plain("us-east-1")) + "]}";
  const auto records = read_catalogue(text, "eu-west-1");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].on_demand_micro_usd, 2) << "rounded to the nearest millionth";
  EXPECT_EQ((*records)[1].on_demand_micro_usd, 107'000);
}

TEST(CatalogueFileTest, PricesOfTwoRegionsAreRefusedUnlessOneIsChosen) {
  const std::string text = R"({"PriceList":[)" + product("m5.large", "0.107", plain("eu-west-1")) +
                           "," + product("m5.large", "0.096", plain("us-east-1")) + "]}";
  EXPECT_TRUE(failed_with(read_catalogue(text), Reason::kInvalid));
  EXPECT_EQ(read_catalogue(text, "us-east-1")->at(0).on_demand_micro_usd, 96'000);
}

TEST(CatalogueFileTest, SpotHistoryCountsTheNewestPriceOfEachZone) {
  const auto entry = [](std::string_view zone, std::string_view price, std::string_view at) {
    return R"({"InstanceType":"m5.large","ProductDescription":"Linux/UNIX","AvailabilityZone":")" +
           std::string(zone) + R"(","SpotPrice":")" + std::string(price) + R"(","Timestamp":")" +
           std::string(at) + R"("})";
  };
  const std::string text = R"({"SpotPriceHistory":[)" +
                           entry("eu-west-1a", "0.040000", "2026-02-02T00:00:00+00:00") + "," +
                           entry("eu-west-1a", "0.090000", "2026-02-01T00:00:00+00:00") + "," +
                           entry("eu-west-1b", "0.030000", "2026-02-01T00:00:00+00:00") + "," +
                           entry("us-east-1a", "0.010000", "2026-02-01T00:00:00+00:00") + "]}";
  const auto records = read_catalogue(text, "eu-west-1");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ((*records)[0].spot_micro_usd, 35'000);
}

TEST(CatalogueFileTest, OtherFilesAreRefusedWithTheFix) {
  for (const std::string_view text : {"", "[]", "{}", "{\"PriceList\":[\"{\"]}", "nonsense"}) {
    const auto records = read_catalogue(text);
    EXPECT_TRUE(failed_with(records, Reason::kInvalid)) << text;
  }
}

TEST(CatalogueFileTest, MergeAddsTypesReplacesPricesAndNamesWhatItCannotUse) {
  Catalogue merged;
  const std::size_t before = merged.size();
  const InstanceType* m5 = merged.find("m5.large");
  ASSERT_NE(m5, nullptr);
  EXPECT_EQ(micro_usd_per_hour(*m5, Market::kSpot), 96'000 * 34 / 100);
  EXPECT_TRUE(merged.merge(*read_catalogue(kTypes)).empty());
  EXPECT_EQ(merged.merge({{.name = "m5.large", .on_demand_micro_usd = 124'000,
                           .spot_micro_usd = 41'000},
                          {.name = "x9.large", .on_demand_micro_usd = 1}}),
            std::vector<std::string>{"x9.large"});
  EXPECT_EQ(merged.size(), before + 2);
  EXPECT_EQ(merged.find("m5.large"), m5);
  EXPECT_EQ(micro_usd_per_hour(*m5, Market::kOnDemand), 124'000);
  EXPECT_EQ(micro_usd_per_hour(*m5, Market::kSpot), 41'000);
  EXPECT_EQ(merged.find("m8g.large")->architecture, "arm64");
  EXPECT_EQ(merged.find("m8g.large")->name, "m8g.large");
}

}  // namespace
}  // namespace minato::cloud
