// Time per lowered action of generating, lowering and validating
// Interleaved1F1B with 4 stages a rank and 4,096 microbatches, from 8 ranks to
// 1,024. At most 100 ns, and at most 1.5 times as long at the large end.
//
// See README.md for how to run it so that the sizes take turns. The largest
// takes about 1.4 GB.

#include <fstream>
#include <sstream>
#include <string>

#include <benchmark/benchmark.h>
#include <malloc.h>

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

// A field of /proc/self/status, in bytes; 0 where there is none.
int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) {
      std::istringstream numbers(line.substr(field.size() + 1));
      int64_t kilobytes = 0;
      numbers >> kilobytes;
      return kilobytes * 1024;
    }
  }
  return 0;
}

// The most memory that was resident since it was made, beyond what was then.
class PeakMemory {
 public:
  PeakMemory() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5;  // forgets the peak so far
    before_ = status_bytes("VmRSS");
  }
  int64_t bytes() const { return status_bytes("VmHWM") - before_; }

 private:
  int64_t before_ = 0;
};

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
  for ([[maybe_unused]] auto _ : state) {
    const Schedule lowered = lower(entry.generate(shape));
    validate(lowered, shape.num_microbatches, true);
    actions = num_actions(lowered);
  }
  report(state, actions);
}

// Measures the memory beyond the 8 bytes of each action.
void memory(benchmark::State& state) {
  const Shape shape = shape_of(state);
  const ScheduleEntry& entry = find_schedule("Interleaved1F1B");
  for ([[maybe_unused]] auto _ : state) {
    const PeakMemory peak;
    const Schedule lowered = lower(entry.generate(shape));
    validate(lowered, shape.num_microbatches, true);
    state.counters["bytes_per_action"] =
        static_cast<double>(peak.bytes()) /
        static_cast<double>(num_actions(lowered));
  }
}

void generate(benchmark::State& state) {
  const Shape shape = shape_of(state);
  const ScheduleEntry& entry = find_schedule("Interleaved1F1B");
  int64_t actions = 0;
  for ([[maybe_unused]] auto _ : state) {
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
BENCHMARK(memory)
    ->Args({8, 4096})
    ->Args({1024, 4096})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(generate)
    ->Args({8, 4096})
    ->Args({1024, 4096})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pp

BENCHMARK_MAIN();
