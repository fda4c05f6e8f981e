// A body in protobuf: the envelope, and its message as a Pod and as a Deployment.
#include "fuzz/input.h"
#include "kube/protobuf.h"
#include "kube/types/apps.h"
#include "kube/types/pod.h"

namespace minato {

namespace {

template <class T>
void read_as(std::string_view raw) {
  const auto object = kube::from_protobuf_message<T>(raw);
  if (!object) return;
  std::string written;
  kube::append_protobuf(written, kube::type_of<T>(), &*object);
  CHECK(kube::from_protobuf_message<T>(written), "what is written can be read");
}

}  // namespace

void fuzz_one(std::string_view input) {
  const auto envelope = kube::open_protobuf(input);
  const std::string_view raw = envelope ? envelope->raw : input;
  read_as<kube::Pod>(raw);
  read_as<kube::Deployment>(raw);
}

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
