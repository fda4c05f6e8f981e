// The knobs and limits of fetching, checking and unpacking images, in one place.
//
// Values. The defaults suit images found in practice; every limit exists because an image is
// input from strangers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace minato::image {

struct Limits {
  std::int64_t manifest_bytes = 4 << 20;           // A manifest, an index or a configuration.
  std::int64_t layer_bytes = std::int64_t{8} << 30;      // One layer as transferred.
  std::int64_t unpacked_bytes = std::int64_t{16} << 30;  // One layer's tar stream, and its files.
  std::int64_t entries = 1'000'000;                      // Entries of one layer.
  std::int64_t layers = 127;                             // Layers of one image, as in Docker.
  // Unpacked to transferred bytes of a layer; applies beyond the slack, since small layers of
  // zeroes are both common and harmless.
  std::int64_t compression_ratio = 200;
  std::int64_t compression_slack_bytes = 64 << 20;
};

// Whose the unpacked files are.
enum class Ownership {
  kKeep,       // As the layer says; needs root or a user namespace that maps those ids.
  kMapToSelf,  // Everything belongs to the calling user; directories stay accessible to it.
};

// kKeep where this process may give files to any id (root here, or in a user namespace that maps
// at least 65536 ids), else kMapToSelf.
Ownership preferred_ownership();

// "amd64", "arm64", …: this machine in the words of OCI (Go's GOARCH).
std::string host_architecture();

// The files in which container tools keep registry credentials, in the order they are asked:
// $REGISTRY_AUTH_FILE alone if set, else $XDG_RUNTIME_DIR/containers/auth.json,
// $DOCKER_CONFIG/config.json and ~/.docker/config.json (containers-auth.json(5)).
// Reads the environment: for programs to call once at start.
std::vector<std::string> default_auth_files();

struct RetryPolicy {
  int attempts = 4;               // Tries in all.
  Duration first_backoff = 250ms; // Doubles with each try.
  Duration longest_backoff = 8s;  // Also bounds a server's Retry-After.
};

struct Options {
  Limits limits;
  Ownership ownership = preferred_ownership();
  std::string architecture = host_architecture();
  std::vector<std::string> auth_files;  // Missing ones are passed over.
  std::string ca_file;                  // PEM bundle; "": the system's.
  RetryPolicy retry;
  Duration connect_timeout = 10s;
  Duration stall_timeout = 30s;  // A transfer that brings nothing for so long is given up.
};

}  // namespace minato::image
