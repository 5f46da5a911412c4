// stage_times MODEL STAGES FQN,FQN,...
//
// Cuts a model by measured time and, for comparison, before the modules named.
// Runs the stages of both again, in turn with the whole model, and prints one
// line of JSON: the times of each stage with what crosses, and of the whole as
// measured before the cut and again, in nanoseconds.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>
#include <numeric>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "loader/core/heap.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "runtime/measure/measure_stages.h"
#include "runtime/measure/program_runs.h"
#include "splitter/cut/balance.h"

namespace pp {
namespace {

std::vector<uint64_t> with_messages(
    const StageRuns& runs, const Partition& parts, double ns_per_byte) {
  std::vector<uint64_t> out = runs.best_ns();
  for (size_t i = 0; i < out.size(); ++i) {
    const StageManifest& stage = parts.manifest.stages[i];
    out[i] += static_cast<uint64_t>(std::llround(
        ns_per_byte * static_cast<double>(stage.bytes_in + stage.bytes_out)));
  }
  return out;
}

int run(const std::string& path, int stages, const std::string& layers) {
  const Model model = load_model(path);
  SplitSpec spec;
  spec.num_stages = stages;
  spec.balance = Balance::Time;
  MeasureOptions options;
  options.seconds = 2;
  options.max_passes = 1000;
  spec.costs = std::make_shared<const NodeCosts>(measure_costs(model, options));
  SplitSpec equal;
  for (size_t start = 0; start < layers.size();) {
    const size_t comma = std::min(layers.find(',', start), layers.size());
    equal.at.push_back({layers.substr(start, comma - start)});
    start = comma + 1;
  }
  const SplitFlow flow(model.graph);
  const Partition best = partition(model, spec);
  const Partition plain = partition(model, equal);
  StageRuns best_runs(model, best);
  StageRuns plain_runs(model, plain);
  ProgramRuns whole(model.graph, model.records, *model.archive, "the model");
  const std::vector<c10::IValue> arguments = sample_arguments(model);
  uint64_t whole_ns = std::numeric_limits<uint64_t>::max();
  run_passes(options, [&](bool counts) {
    const uint64_t took = time_of([&] { whole.run(arguments); });
    whole_ns = counts ? std::min(whole_ns, took) : whole_ns;
    best_runs.pass(counts);
    plain_runs.pass(counts);
  });
  const double ns = spec.costs->ns_per_byte;
  nlohmann::ordered_json out;
  out["cuts"] = best.manifest.cuts;
  const std::vector<uint64_t>& nodes = spec.costs->node_ns;
  out["whole"] = std::accumulate(nodes.begin(), nodes.end(), uint64_t{0});
  out["whole_again"] = whole_ns;
  out["predicted"] =
      predict_costs(flow.for_stages(), spec, choose_cuts(flow, spec));
  out["again"] = with_messages(best_runs, best, ns);
  out["equal"] = with_messages(plain_runs, plain, ns);
  std::cout << out.dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace pp

int main(int count, char** arguments) {
  pp::keep_freed_memory();
  if (count != 4) {
    std::cerr << "usage: stage_times MODEL STAGES FQN,FQN,...\n";
    return 2;
  }
  try {
    return pp::run(arguments[1], std::stoi(arguments[2]), arguments[3]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
