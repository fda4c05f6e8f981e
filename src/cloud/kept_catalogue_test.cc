#include "cloud/kept_catalogue.h"

#include <gtest/gtest.h>

namespace minato::cloud {
namespace {

TEST(KeptCatalogueTest, WhatIsWrittenIsRead) {
  const KeptCatalogue kept{
      .region = "eu-west-1",
      .at = "2026-11-23T10:00:00Z",
      .types = {{"m5.large", {}, {}, {}, {}, 107'000, {}},
                {"x9.large", "arm64", 2, 8192, 29, 90'000, 31'000}}};
  const auto read = read_kept_catalogue(to_json(kept));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, kept);
}

TEST(KeptCatalogueTest, FilesOfTheAwsCommandAreReadToo) {
  const auto read = read_kept_catalogue(
      R"({"InstanceTypes": [{"InstanceType": "x9.large", "VCpuInfo": {"DefaultVCpus": 2}}]})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->region, "");
  ASSERT_EQ(read->types.size(), 1u);
  EXPECT_EQ(read->types[0].vcpus, 2);
}

TEST(KeptCatalogueTest, FiguresThatNoTypeCanHaveAreRefusedByName) {
  for (const char* figure : {R"("vcpus": 0)", R"("vcpus": "2")", R"("maxPods": -1)",
                             R"("onDemandMicroUsd": -5)", R"("memoryMib": 99999999999)"}) {
    const auto read = read_kept_catalogue(
        R"({"instanceTypes": [{"name": "x9.large", )" + std::string(figure) + "}]}");
    ASSERT_FALSE(read) << figure;
    EXPECT_NE(read.error().message.find("x9.large"), std::string::npos) << read.error().message;
  }
  EXPECT_FALSE(read_kept_catalogue(R"({"instanceTypes": [{"vcpus": 2}]})"));
  EXPECT_FALSE(read_kept_catalogue("nonsense"));
}

}  // namespace
}  // namespace minato::cloud
