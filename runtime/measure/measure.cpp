#include "runtime/measure/measure.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "runtime/measure/program_runs.h"

namespace pp {

namespace {

/// Returns the time to copy a byte in memory, in nanoseconds.
double ns_per_copied_byte(const MeasureOptions& options) {
  constexpr size_t kBytes = size_t{1} << 22;
  const std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes, 0);
  uint64_t best = std::numeric_limits<uint64_t>::max();
  run_passes(options, [&](bool) {
    best = std::min(
        best, time_of([&] { std::memcpy(to.data(), from.data(), kBytes); }));
  });
  return static_cast<double>(best) / kBytes;
}

}  // namespace

NodeCosts measure_costs(const Model& model, const MeasureOptions& options) {
  constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
  ProgramRuns runs(model.graph, model.records, *model.archive, "the model");
  const std::vector<c10::IValue> arguments = sample_arguments(model);
  const size_t count = model.graph.nodes.size();
  std::vector<uint64_t> best(count, kNever);
  uint64_t whole = kNever;
  // Both take turns, so that a slow spell of the machine affects them alike.
  run_passes(options, [&](bool counts) {
    std::vector<uint64_t> now(count, 0);
    runs.run_timed(arguments, now);
    const uint64_t all = time_of([&] { runs.run(arguments); });
    if (counts) {
      whole = std::min(whole, all);
      for (size_t i = 0; i < count; ++i) {
        best[i] = std::min(best[i], now[i]);
      }
    }
  });
  const auto sum = std::accumulate(best.begin(), best.end(), uint64_t{0});
  const double scale =
      sum == 0 ? 1 : static_cast<double>(whole) / static_cast<double>(sum);
  NodeCosts out;
  for (const uint64_t ns : best) {
    out.node_ns.push_back(
        static_cast<uint64_t>(std::llround(static_cast<double>(ns) * scale)));
  }
  MeasureOptions copies = options;
  copies.seconds = 0.05;
  out.ns_per_byte = ns_per_copied_byte(copies);
  return out;
}

SplitSpec with_costs(const Model& model, SplitSpec spec) {
  if (spec.num_stages > 0 && spec.balance == Balance::Time && !spec.costs) {
    spec.costs = std::make_shared<const NodeCosts>(measure_costs(model));
  }
  return spec;
}

}  // namespace pp
