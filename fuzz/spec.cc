// minato.yaml.
#include "fuzz/input.h"
#include "spec/spec.h"

namespace minato {

void fuzz_one(std::string_view input) { (void)spec::read({{"minato.yaml", std::string(input)}}); }

}  // namespace minato

FUZZ_TARGET(minato::fuzz_one)
