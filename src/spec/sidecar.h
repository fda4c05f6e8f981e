// What else a Pod holds: containers beside the service's own, and directories that they share.
//
// Values; pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "spec/confinement.h"

namespace minato::spec {

class Reader;
struct Spec;

// A directory that lives as long as its Pod and that containers of the Pod mount.
struct Volume {
  std::string name;
  std::int64_t size_bytes = 0;
  bool in_memory = false;  // Then it counts as memory of who writes to it.
};

struct Mount {
  std::string path;
  std::string volume;
};

struct Sidecar {
  // Against the service's own container: done before it starts; ready before it starts and there
  // until it has ended; or at the same time, in no order.
  enum class Runs { kFirst, kAround, kBeside };

  std::string name;
  std::string image;
  Runs runs = Runs::kAround;
  std::vector<std::string> command, args;
  std::int64_t cpu_milli = 50;
  std::int64_t memory_bytes = 64 << 20;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> secrets;  // Names of the file's `secrets` that it gets, too.
  std::uint16_t port = 0;            // That it listens on; 0: none that is known.
  // When it has started: it answers this path of its port, or this command ends well. Neither: as
  // soon as its process runs.
  std::string health;
  std::vector<std::string> check;
  Duration startup = 60s;  // Longest time until then.
  Confinement confinement;
  std::vector<Mount> mounts;
};

std::string_view to_string(Sidecar::Runs runs);

void read_mounts(Reader& in, std::vector<Mount>& mounts);
void read_volumes(Reader& in, std::vector<Volume>& volumes);
void read_sidecars(Reader& in, std::vector<Sidecar>& sidecars);
// What only the whole file shows: mounts of volumes that there are, ports that are taken once.
void check_sidecars(Reader& in, const Spec& spec);

}  // namespace minato::spec
