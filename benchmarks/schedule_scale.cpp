// Time per lowered action of generating, lowering and validating
// Interleaved1F1B with 4 stages a rank and 4,096 microbatches, from 8 ranks to
// 1,024. At most 100 ns, and at most 1.5 times as long at the large end.

#include <benchmark/benchmark.h>

#include "runtime/schedule/lower.h"
#include "runtime/schedule/validate.h"

namespace pp {
namespace {

constexpr int kStagesPerRank = 4;

Shape shape_of(const benchmark::State& state) {
  const int ranks = static_cast<int>(state.range(0));
  const int microbatches = static_cast<int>(state.range(1));
  return {ranks, ranks * kStagesPerRank, microbatches};
}

// time_per_action is in seconds, as Google Benchmark prints it: 50n is 50 ns.
void report(benchmark::State& state, int64_t actions) {
  const auto total =
      static_cast<double>(state.iterations()) * static_cast<double>(actions);
  state.counters["actions"] = static_cast<double>(actions);
  state.counters["time_per_action"] = benchmark::Counter(
      total, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void generate_lower_validate(benchmark::State& state) {
  const Shape shape = shape_of(state);
  const ScheduleEntry& entry = find_schedule("Interleaved1F1B");
  int64_t actions = 0;
  for (auto _ : state) {
    const Schedule lowered = lower(entry.generate(shape));
    validate(lowered, shape.num_microbatches, true);
    actions = num_actions(lowered);
  }
  report(state, actions);
}

void generate(benchmark::State& state) {
  const Shape shape = shape_of(state);
  const ScheduleEntry& entry = find_schedule("Interleaved1F1B");
  int64_t actions = 0;
  for (auto _ : state) {
    actions = num_actions(entry.generate(shape));
  }
  report(state, actions);
}

BENCHMARK(generate_lower_validate)
    ->Args({8, 4096})
    ->Args({64, 4096})
    ->Args({256, 4096})
    ->Args({1024, 4096})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(generate)
    ->Args({8, 4096})
    ->Args({1024, 4096})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pp

BENCHMARK_MAIN();
