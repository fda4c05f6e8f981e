// Build-time tool: writes the OCI layout of the hello example, with the tags 1, 2 and broken.
//
//   hello_pack HELLO_BINARY LAYOUT_DIRECTORY
#include <cstdio>
#include <string>
#include <vector>

#include "image/layout_writer.h"

namespace {

using minato::image::LayerFile;

std::vector<LayerFile> files_of(const std::string& binary) {
  using Kind = LayerFile::Kind;
  return {
      {.kind = Kind::kDirectory, .path = "etc", .mode = 0755},
      {.path = "etc/passwd",
       .content = "root:x:0:0:root:/root:/sbin/nologin\n"
                  "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"},
      {.path = "etc/group", .content = "root:x:0:\nnonroot:x:65532:\n"},
      {.path = "hello", .source_path = binary, .mode = 0755},
      {.kind = Kind::kDirectory, .path = "home", .mode = 0755},
      {.kind = Kind::kDirectory, .path = "home/nonroot", .mode = 0700, .uid = 65532, .gid = 65532},
      {.kind = Kind::kDirectory, .path = "tmp", .mode = 01777},
  };
}

minato::Status write_all(const std::string& binary, const std::string& directory) {
  struct Version {
    const char* tag;
    std::vector<std::string> env;
  };
  const Version versions[] = {{"1", {"VERSION=1"}},
                              {"2", {"VERSION=2"}},
                              {"broken", {"VERSION=broken", "BROKEN=1"}}};
  for (const Version& version : versions) {
    minato::image::LayoutImage image;
    image.layers = {files_of(binary)};
    image.config.entrypoint = {"/hello"};
    image.config.env = version.env;
    image.config.user = "65532:65532";
    image.config.working_dir = "/";
    image.config.stop_signal = "SIGTERM";
    image.config.exposed_ports = {"8080/tcp"};
    image.config.labels = {{"org.opencontainers.image.title", "hello"},
                           {"org.opencontainers.image.version", version.tag}};
    auto written = write_layout(directory, version.tag, image);
    if (!written) return std::unexpected(written.error());
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: hello_pack HELLO_BINARY LAYOUT_DIRECTORY\n");
    return 2;
  }
  if (const auto status = write_all(argv[1], argv[2]); !status) {
    std::fprintf(stderr, "hello_pack: %s\n", status.error().message.c_str());
    return 1;
  }
}
