#include "image/store.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <thread>

#include "image/layout_writer.h"
#include "image/test_support.h"

namespace minato::image {
namespace {

namespace fs = std::filesystem;
using container::PullPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::slurp;
using testing::spill;
using testing::TarBuilder;
using testing::TempDirectory;

LayoutImage small_image(const std::string& content = "one") {
  LayoutImage image;
  image.layers = {{{.kind = LayerFile::Kind::kDirectory, .path = "etc", .mode = 0755},
                   {.path = "etc/motd", .content = content},
                   {.path = "app", .content = std::string(20'000, 'b'), .mode = 0755}},
                  {{.path = "etc/.wh.motd"}, {.path = "top", .content = "2"}}};
  image.config.entrypoint = {"/app"};
  image.config.env = {"A=1"};
  image.config.user = "65532:65532";
  return image;
}

std::size_t files_below(const std::string& directory) {
  const fs::recursive_directory_iterator entries(directory);
  return static_cast<std::size_t>(
      std::ranges::count_if(entries, [](const auto& entry) { return !entry.is_directory(); }));
}

class StoreTest : public ::testing::Test {
 protected:
  std::string layout() const { return temp_ / "layout"; }
  std::string directory() const { return temp_ / "store"; }
  std::string reference(const std::string& tag = "1") const {
    return "oci:" + layout() + ":" + tag;
  }
  Result<StoredImage> pull(const std::string& name, PullPolicy policy = PullPolicy::kAlways) {
    ASSIGN_OR_RETURN(const ImageStore store, ImageStore::open(directory(), options_));
    return store.pull(name, policy);
  }
  Digest write(const LayoutImage& image, const std::string& tag = "1") {
    const auto digest = write_layout(layout(), tag, image);
    EXPECT_TRUE(digest) << digest.error().message;
    return *digest;
  }
  void expect_nothing_half_made() {
    EXPECT_TRUE(fs::is_empty(directory() + "/temporary"));
    for (const char* kind : {"keep", "self"}) {
      const std::string layers = directory() + "/layers/" + kind + "/sha256";
      EXPECT_TRUE(!fs::exists(layers) || fs::is_empty(layers));
    }
    EXPECT_TRUE(fs::is_empty(directory() + "/references"));
  }
  // The one manifest of the layout, after a change by `edit`, with its digests made right again.
  void forge_manifest(const std::function<void(std::string&)>& edit) {
    const auto image = small_image();
    const Digest digest = write(image);
    std::string manifest = slurp(layout() + "/blobs/" + digest.path());
    const std::size_t size = manifest.size();
    edit(manifest);
    const Digest forged = Digest::of(manifest);
    spill(layout() + "/blobs/" + forged.path(), manifest);
    std::string index = slurp(layout() + "/index.json");
    replace(index, digest.text(), forged.text());
    replace(index, "\"size\":" + std::to_string(size),
            "\"size\":" + std::to_string(manifest.size()));
    spill(layout() + "/index.json", index);
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << text;
    text.replace(at, from.size(), to);
  }

  TempDirectory temp_;
  Options options_;
};

TEST_F(StoreTest, LayoutIsPulledWithConfigAndLayersLowestFirst) {
  const Digest digest = write(small_image());
  const auto image = pull(reference());
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->image.reference, reference());
  EXPECT_EQ(image->image.digest, digest.text());
  EXPECT_THAT(image->image.config.entrypoint, ElementsAre("/app"));
  EXPECT_GT(image->image.size_bytes, 0);
  ASSERT_EQ(image->layers.size(), 2U);
  EXPECT_EQ(slurp(image->layers[0] + "/etc/motd"), "one");
  EXPECT_EQ(slurp(image->layers[1] + "/top"), "2");
  struct stat info {};
  ASSERT_EQ(::stat(directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U) << "set-user-ID files must be out of others' reach";
}

TEST_F(StoreTest, WritingIsReproducible) {
  for (const auto compression : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    LayoutImage image = small_image();
    image.compression = compression;
    const Digest first = write(image, "a");
    std::ranges::reverse(image.layers[0]);
    EXPECT_EQ(write(image, "b"), first) << "the order of the list does not count";
    EXPECT_TRUE(pull(reference("b")));
  }
}

TEST_F(StoreTest, TagsAreChosenAndMissingOnesNamed) {
  write(small_image("one"), "1");
  write(small_image("two"), "2");
  const auto second = pull(reference("2"));
  ASSERT_TRUE(second);
  EXPECT_EQ(slurp(second->layers[0] + "/etc/motd"), "two");
  const auto missing = pull(reference("3"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, Reason::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("available: 1, 2"));
  EXPECT_THAT(missing.error().message, HasSubstr(reference("3")));
}

TEST_F(StoreTest, PoliciesDecideWhatIsLookedAt) {
  write(small_image());
  EXPECT_TRUE(failed_with(pull(reference(), PullPolicy::kNever), Reason::kNotFound));
  ASSERT_TRUE(pull(reference(), PullPolicy::kIfNotPresent));
  write(small_image("rebuilt"));
  const auto rebuilt = pull(reference(), PullPolicy::kIfNotPresent);
  ASSERT_TRUE(rebuilt);
  EXPECT_EQ(slurp(rebuilt->layers[0] + "/etc/motd"), "rebuilt");
  fs::remove_all(layout());
  for (const auto policy : {PullPolicy::kIfNotPresent, PullPolicy::kNever}) {
    const auto stored = pull(reference(), policy);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->image.digest, rebuilt->image.digest);
    EXPECT_EQ(stored->image.size_bytes, rebuilt->image.size_bytes);
    EXPECT_EQ(stored->layers, rebuilt->layers);
  }
  EXPECT_TRUE(failed_with(pull(reference(), PullPolicy::kAlways), Reason::kNotFound));
}

TEST_F(StoreTest, LayersAreUnpackedOnceAndSharedByImages) {
  write(small_image(), "1");
  LayoutImage other = small_image();
  other.config.env = {"A=2"};
  write(other, "2");
  const auto first = pull(reference("1"));
  ASSERT_TRUE(first);
  struct stat before {}, after {};
  ASSERT_EQ(::stat(first->layers[0].c_str(), &before), 0);
  const auto second = pull(reference("2"));
  ASSERT_TRUE(second);
  EXPECT_EQ(first->layers, second->layers);
  ASSERT_EQ(::stat(second->layers[0].c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(StoreTest, DamagedLayerIsRefusedAndLeavesNothing) {
  write(small_image());
  for (const auto& blob : fs::directory_iterator(layout() + "/blobs/sha256")) {
    std::string bytes = slurp(blob.path());
    if (bytes[0] != '\x1f') continue;
    bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 1);
    spill(blob.path(), bytes);
  }
  const auto image = pull(reference());
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().reason, Reason::kInvalid);
  EXPECT_THAT(image.error().message, HasSubstr("damaged or forged"));
  expect_nothing_half_made();
}

TEST_F(StoreTest, DamagedManifestIsRefused) {
  const Digest digest = write(small_image());
  const std::string path = layout() + "/blobs/" + digest.path();
  spill(path, slurp(path) + " ");
  EXPECT_TRUE(failed_with(pull(reference()), Reason::kInvalid));
  expect_nothing_half_made();
}

TEST_F(StoreTest, BlobOfAnotherSizeThanPromisedIsRefused) {
  for (const std::string digit : {"1", "9"}) {
    // Of the last layer, one digit more or less.
    forge_manifest([&](std::string& manifest) {
      const std::size_t at = manifest.rfind("\"size\":") + 7;
      manifest.insert(at, digit);
    });
    const auto longer = pull(reference());
    ASSERT_FALSE(longer);
    EXPECT_THAT(longer.error().message, HasSubstr("promises"));
  }
  forge_manifest([](std::string& manifest) {
    const std::size_t at = manifest.rfind("\"size\":") + 7;
    manifest.replace(at, manifest.find('}', at) - at, "7");
  });
  const auto shorter = pull(reference());
  ASSERT_FALSE(shorter);
  EXPECT_THAT(shorter.error().message, HasSubstr("promises"));
}

TEST_F(StoreTest, SwappedLayersAreRefused) {
  forge_manifest([](std::string& manifest) {
    const std::size_t first = manifest.find("sha256:", manifest.find("\"layers\""));
    const std::size_t second = manifest.find("sha256:", first + 10);
    for (std::size_t i = 0; i < 71; ++i) std::swap(manifest[first + i], manifest[second + i]);
    const auto size_at = [&](std::size_t from) { return manifest.find("\"size\":", from) + 7; };
    const std::size_t a = size_at(first), b = size_at(second);
    const std::string size_a = manifest.substr(a, manifest.find('}', a) - a);
    const std::string size_b = manifest.substr(b, manifest.find('}', b) - b);
    manifest.replace(b, size_b.size(), size_a);
    manifest.replace(a, size_a.size(), size_b);
  });
  const auto swapped = pull(reference());
  ASSERT_FALSE(swapped);
  EXPECT_THAT(swapped.error().message, HasSubstr("order"));
  expect_nothing_half_made();
}

TEST_F(StoreTest, OtherArchitecturesAreRefused) {
  LayoutImage image = small_image();
  image.architecture = "s390x";
  write(image);
  const auto other = pull(reference());
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("linux/s390x"));
}

TEST_F(StoreTest, OpaqueTopHidesTheLayersBelow) {
  LayoutImage image = small_image();
  image.layers.push_back({{.path = ".wh..wh..opq"}, {.path = "only", .content = "3"}});
  write(image);
  const auto stored = pull(reference());
  ASSERT_TRUE(stored) << stored.error().message;
  ASSERT_EQ(stored->layers.size(), 1U);
  EXPECT_EQ(slurp(stored->layers[0] + "/only"), "3");
}

TEST_F(StoreTest, RepeatedLayerIsListedOnce) {
  LayoutImage image = small_image();
  image.layers = {{}, image.layers[0], {}};
  write(image);
  const auto stored = pull(reference());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->layers.size(), 2U);
}

TEST_F(StoreTest, LeftoversOfACrashAreReplaced) {
  write(small_image());
  const auto first = pull(reference());
  ASSERT_TRUE(first);
  const std::string hex = fs::path(first->layers[0]).filename();
  const bool keep = options_.ownership == Ownership::kKeep;
  fs::remove_all(first->layers[0]);
  spill(directory() + "/temporary/sha256-" + hex + (keep ? "-k" : "-s") + "/half/made", "x");
  const auto again = pull(reference(), PullPolicy::kAlways);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(fs::exists(again->layers[0] + "/half"));
  EXPECT_TRUE(fs::is_empty(directory() + "/temporary"));
}

TEST_F(StoreTest, ConcurrentPullsMakeEachLayerOnce) {
  write(small_image());
  const auto store = ImageStore::open(directory(), options_);
  ASSERT_TRUE(store);
  std::vector<Result<StoredImage>> results(8, fail(Reason::kUnknown, ""));
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] { result = store->pull(reference(), PullPolicy::kAlways); });
    }
  }
  for (const auto& result : results) {
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->layers, results[0]->layers);
  }
  EXPECT_TRUE(fs::is_empty(directory() + "/temporary"));
}

TEST_F(StoreTest, FifoInThePlaceOfALayoutFileDoesNotBlock) {
  fs::create_directories(layout());
  ASSERT_EQ(::mkfifo((layout() + "/index.json").c_str(), 0644), 0);
  EXPECT_TRUE(failed_with(pull(reference()), Reason::kInvalid));
}

TEST_F(StoreTest, SeparatorsOfMountOptionsAreRefusedInThePath) {
  EXPECT_TRUE(failed_with(ImageStore::open(temp_ / "a:b", options_), Reason::kInvalid));
  EXPECT_TRUE(failed_with(ImageStore::open(temp_ / "a,b", options_), Reason::kInvalid));
}

TEST_F(StoreTest, TreesAreListedForWriting) {
  spill(temp_ / "tree/a/file", "1");
  fs::create_symlink("a/file", temp_ / "tree/link");
  const auto files = list_tree(temp_ / "tree");
  ASSERT_TRUE(files) << files.error().message;
  LayoutImage image;
  image.layers = {*files};
  write(image);
  const auto stored = pull(reference());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(slurp(stored->layers[0] + "/a/file"), "1");
  EXPECT_EQ(fs::read_symlink(stored->layers[0] + "/link"), "a/file");
}

// ---- docker-archive ---------------------------------------------------------------------------

class ArchiveTest : public StoreTest {
 protected:
  static std::string config(const std::vector<std::string>& layers) {
    std::string ids;
    for (const auto& layer : layers) {
      ids += (ids.empty() ? "\"" : ",\"") + Digest::of(layer).text() + "\"";
    }
    return "{\"os\":\"linux\",\"architecture\":\"" + host_architecture() +
           "\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" + ids + "]}}";
  }
  std::string archive() const { return temp_ / "image.tar"; }
  std::string name() const { return "docker-archive:" + archive(); }
  const std::string lower_ = TarBuilder().file("a", "lower").bytes();
  const std::string upper_ = TarBuilder().file("b", "upper").bytes();
};

TEST_F(ArchiveTest, OldDockerSaveIsPulledSharedLayersIncluded) {
  const std::string text = config({lower_, upper_});
  const std::string hex = Digest::of(text).hex();
  spill(archive(), TarBuilder()
                       .file("one/layer.tar", lower_)
                       .file("three/layer.tar", upper_)
                       .symlink("two/layer.tar", "../three/layer.tar")
                       .file(hex + ".json", text)
                       .file("manifest.json", "[{\"Config\":\"" + hex +
                                                  ".json\",\"RepoTags\":[\"web:1\"],\"Layers\":"
                                                  "[\"one/layer.tar\",\"two/layer.tar\"]}]")
                       .bytes());
  for (const std::string& tag : {std::string(), std::string(":web:1"), std::string(":1"),
                                 std::string(":docker.io/library/web:1")}) {
    const auto image = pull(name() + tag);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_EQ(image->image.digest, "sha256:" + hex);
    EXPECT_EQ(slurp(image->layers[1] + "/b"), "upper");
  }
  EXPECT_THAT(pull(name() + ":web:2").error().message, HasSubstr("available: web:1"));
}

TEST_F(ArchiveTest, ForgedPartsAreRefused) {
  const std::string text = config({lower_});
  const auto write_archive = [&](const std::string& config_name, const std::string& layer) {
    spill(archive(), TarBuilder()
                         .file("layer.tar", layer)
                         .file(config_name, text)
                         .file("manifest.json", "[{\"Config\":\"" + config_name +
                                                    "\",\"Layers\":[\"layer.tar\"]}]")
                         .bytes());
  };
  write_archive(std::string(64, 'a') + ".json", lower_);
  EXPECT_THAT(pull(name()).error().message, HasSubstr("forged"));
  write_archive("config.json", upper_);
  EXPECT_THAT(pull(name()).error().message, HasSubstr("diff_id"));
  write_archive("config.json", lower_);
  EXPECT_TRUE(pull(name())) << "a name that is no digest promises nothing";
}

TEST_F(ArchiveTest, LinkLoopsAndMissingPartsAreErrors) {
  spill(archive(), TarBuilder().symlink("manifest.json", "manifest.json").bytes());
  EXPECT_THAT(pull(name()).error().message, HasSubstr("links"));
  spill(archive(), TarBuilder().symlink("manifest.json", "../../../etc/hostname").bytes());
  EXPECT_TRUE(failed_with(pull(name()), Reason::kNotFound));
  spill(archive(), "rubbish");
  EXPECT_TRUE(failed_with(pull(name()), Reason::kInvalid));
}

// ---- With the kernel --------------------------------------------------------------------------

// Runs `body` in a child in user and mount namespaces of its own. 0: passed; 77: not possible.
int in_namespaces(const std::function<int()>& body) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(77);
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(77);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define EXPECT_PASSED(code)                                                        \
  do {                                                                             \
    const int exit_code = (code);                                                  \
    if (exit_code == 77) GTEST_SKIP() << "user namespaces are not available here"; \
    EXPECT_EQ(exit_code, 0);                                                       \
  } while (false)

TEST_F(StoreTest, OverlayfsInAUserNamespaceShowsTheMergedImage) {
  LayoutImage image = small_image();
  image.layers[0].push_back({.kind = LayerFile::Kind::kDirectory, .path = "d", .mode = 0755});
  image.layers[0].push_back({.path = "d/lower"});
  image.layers[1].push_back({.path = "d/.wh..wh..opq"});
  image.layers[1].push_back({.path = "d/upper"});
  write(image);
  options_.ownership = Ownership::kMapToSelf;
  for (const char* name : {"upper", "work", "merged"}) fs::create_directory(temp_ / name);
  EXPECT_PASSED(in_namespaces([&] {
    const auto stored = pull(reference());
    if (!stored) return 1;
    const std::string options =
        "lowerdir=" + stored->layers[1] + ":" + stored->layers[0] + ",upperdir=" +
        (temp_ / "upper") + ",workdir=" + (temp_ / "work") + "," + std::string(kOverlayMountOption);
    const std::string merged = temp_ / "merged";
    if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) return 77;
    if (fs::exists(merged + "/etc/motd")) return 2;
    if (!fs::exists(merged + "/etc") || !fs::exists(merged + "/top")) return 3;
    if (fs::exists(merged + "/d/lower") || !fs::exists(merged + "/d/upper")) return 4;
    if (std::distance(fs::directory_iterator(merged + "/etc"), {}) != 0) return 5;
    return 0;
  }));
}

TEST_F(StoreTest, FullDiskIsUnavailableAndLeavesNothing) {
  LayoutImage image = small_image();
  image.layers[0].push_back({.path = "big", .content = std::string(8 << 20, 'z')});
  write(image);
  options_.ownership = Ownership::kMapToSelf;
  fs::create_directory(directory());
  EXPECT_PASSED(in_namespaces([&] {
    if (::mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=2m") != 0) return 77;
    const auto stored = pull(reference());
    if (stored) return 1;
    if (stored.error().reason != Reason::kUnavailable) return 2;
    if (stored.error().message.find("No space left") == std::string::npos) return 3;
    if (!fs::is_empty(directory() + "/temporary")) return 4;
    if (files_below(directory() + "/layers") != 0) return 5;
    return files_below(directory() + "/references") == 0 ? 0 : 6;
  }));
}

}  // namespace
}  // namespace minato::image
