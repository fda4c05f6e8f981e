#include "image/manifest.h"

#include <gmock/gmock.h>

namespace minato::image {
namespace {

using ::testing::HasSubstr;

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string descriptor(const std::string& type, const std::string& more = "") {
  return "{\"mediaType\":\"" + type + "\",\"digest\":\"" + kDigest + "\",\"size\":10" + more + "}";
}
const std::string kConfig = descriptor("application/vnd.oci.image.config.v1+json");
const std::string kLayer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip");

std::string platform(const std::string& os, const std::string& architecture,
                     const std::string& variant = "") {
  return descriptor("application/vnd.oci.image.manifest.v1+json",
                    ",\"platform\":{\"os\":\"" + os + "\",\"architecture\":\"" + architecture +
                        "\",\"variant\":\"" + variant + "\"}");
}

TEST(ManifestTest, OciAndDockerManifestsAreRead) {
  for (const auto& [config, layer] :
       {std::pair{kConfig, kLayer},
        {descriptor("application/vnd.docker.container.image.v1+json"),
         descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip")}}) {
    const std::string text =
        "{\"schemaVersion\":2,\"config\":" + config + ",\"layers\":[" + layer + "]}";
    const auto parsed = parse_manifest(text, {});
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto& manifest = std::get<Manifest>(*parsed);
    EXPECT_EQ(manifest.digest, Digest::of(text));
    EXPECT_EQ(manifest.layers.size(), 1U);
  }
}

TEST(ManifestTest, DocumentsThatAreTwoThingsAreRefused) {
  const auto both = parse_manifest("{\"schemaVersion\":2,\"config\":" + kConfig + ",\"layers\":[" +
                                       kLayer + "],\"manifests\":[]}",
                                   {});
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, HasSubstr("ambiguous"));
}

TEST(ManifestTest, WhatIsNoImageIsRefused) {
  const auto manifest = [](const std::string& config, const std::string& layers) {
    return parse_manifest(
        "{\"schemaVersion\":2,\"config\":" + config + ",\"layers\":[" + layers + "]}", {});
  };
  EXPECT_FALSE(manifest(descriptor("application/vnd.cncf.helm.config.v1+json"), kLayer));
  EXPECT_FALSE(
      manifest(kConfig, descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")));
  EXPECT_FALSE(manifest("{\"digest\":\"sha256:../../etc\",\"size\":1}", kLayer));
  EXPECT_FALSE(manifest(kConfig, "{\"digest\":\"" + kDigest + "\",\"size\":-5}"));
  EXPECT_FALSE(manifest(kConfig, "7"));
  EXPECT_THAT(parse_manifest("{\"schemaVersion\":1,\"fsLayers\":[]}", {}).error().message,
              HasSubstr("schema 1"));
}

TEST(ManifestTest, HostileJsonIsRefused) {
  for (const std::string text : {"", "null", "[]", "{", "{\"layers\":7}",
                                 "{\"schemaVersion\":\"2\"}", "{\"schemaVersion\":2}"}) {
    EXPECT_FALSE(parse_manifest(text, {})) << text;
    EXPECT_FALSE(parse_config(text)) << text;
  }
  EXPECT_FALSE(parse_manifest(std::string(100'000, '['), {})) << "nesting is bounded";
  EXPECT_FALSE(parse_config("{\"rootfs\":{\"diff_ids\":[\"x\"]}}"));
  EXPECT_FALSE(parse_config("{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Env\":\"x\"}}"));
}

TEST(ManifestTest, LimitsHold) {
  Limits limits;
  limits.layers = 2;
  const std::string three = kLayer + "," + kLayer + "," + kLayer;
  EXPECT_THAT(parse_manifest("{\"config\":" + kConfig + ",\"layers\":[" + three + "]}", limits)
                  .error()
                  .message,
              HasSubstr("3 layers"));
  limits = {};
  limits.layer_bytes = 5;
  EXPECT_FALSE(parse_manifest("{\"config\":" + kConfig + ",\"layers\":[" + kLayer + "]}", limits));
}

TEST(ManifestTest, PlatformIsChosenOrTheAvailableOnesNamed) {
  const auto parsed = parse_manifest("{\"manifests\":[" + platform("linux", "arm64", "v8") + "," +
                                         platform("linux", "amd64", "v3") + "," +
                                         platform("linux", "amd64") + "," +
                                         platform("unknown", "unknown") + "]}",
                                     {});
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto& index = std::get<Index>(*parsed);
  EXPECT_EQ(choose_platform(index, "amd64")->platform->variant, "")
      << "the baseline runs everywhere";
  EXPECT_EQ(choose_platform(index, "arm64")->platform->variant, "v8");
  const auto none = choose_platform(index, "riscv64");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, Reason::kNotFound);
  EXPECT_THAT(none.error().message,
              HasSubstr("available: linux/arm64/v8, linux/amd64/v3, linux/amd64"));
  EXPECT_THAT(none.error().message, ::testing::Not(HasSubstr("unknown")));
}

TEST(ManifestTest, ConfigurationIsRead) {
  const auto config = parse_config(
      "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[\"" + kDigest +
      "\"]},\"config\":{\"Entrypoint\":[\"/app\"],\"Cmd\":null,\"Env\":[\"A=1\"],\"User\":\"app\","
      "\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGQUIT\",\"ExposedPorts\":{\"80/tcp\":{}},"
      "\"Labels\":{\"k\":\"v\"}}}");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->image.entrypoint, ::testing::ElementsAre("/app"));
  EXPECT_TRUE(config->image.cmd.empty());
  EXPECT_EQ(config->image.stop_signal, "SIGQUIT");
  EXPECT_EQ(config->image.labels.at("k"), "v");
  EXPECT_THAT(config->image.exposed_ports, ::testing::ElementsAre("80/tcp"));
}

}  // namespace
}  // namespace minato::image
