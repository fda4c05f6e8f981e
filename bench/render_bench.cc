// Reading, rendering and linting the largest example: budget 50 ms for all of it.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>

#include "lint/lint.h"
#include "render/render.h"

namespace minato {
namespace {

spec::Source largest_example() {
  std::ifstream in(MINATO_SOURCE_DIR "/examples/eks/everything.yaml", std::ios::binary);
  return {"everything.yaml", {std::istreambuf_iterator<char>(in), {}}};
}

void read(benchmark::State& state) {
  const spec::Source source = largest_example();
  for (auto _ : state) benchmark::DoNotOptimize(spec::read({source}));
}
BENCHMARK(read)->Unit(benchmark::kMillisecond);

void render(benchmark::State& state) {
  const spec::Spec spec = *spec::read({largest_example()});
  for (auto _ : state) benchmark::DoNotOptimize(render::render(spec, cloud::Catalogue::built_in()));
}
BENCHMARK(render)->Unit(benchmark::kMillisecond);

void lint(benchmark::State& state) {
  const spec::Spec spec = *spec::read({largest_example()});
  const render::Files files = *render::render(spec, cloud::Catalogue::built_in());
  const WallTime now = *parse_rfc3339("2026-11-23T00:00:00Z");
  for (auto _ : state) benchmark::DoNotOptimize(lint::check(spec, files, cloud::Catalogue::built_in(), now));
}
BENCHMARK(lint)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace minato

BENCHMARK_MAIN();
