// stage_times MODEL STAGES FQN,FQN,...
//
// Cuts a model by measured time and, for comparison, before the modules named.
// Runs the stages of both again, in turn, and prints one line of JSON: the
// times of each stage with what crosses, in nanoseconds.
#include <cmath>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "runtime/measure/measure.h"
#include "runtime/measure/measure_stages.h"
#include "splitter/balance.h"

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
  const Partition best = partition(model, spec);
  const Partition plain = partition(model, equal);
  StageRuns best_runs(model, best);
  StageRuns plain_runs(model, plain);
  run_passes(options, [&](bool counts) {
    best_runs.pass(counts);
    plain_runs.pass(counts);
  });
  const double ns = spec.costs->ns_per_byte;
  nlohmann::ordered_json out;
  out["cuts"] = best.manifest.cuts;
  out["predicted"] =
      predict_costs(model.graph, spec, choose_cuts(model.graph, spec));
  out["again"] = with_messages(best_runs, best, ns);
  out["equal"] = with_messages(plain_runs, plain, ns);
  std::cout << out.dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace pp

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: stage_times MODEL STAGES FQN,FQN,...\n";
    return 2;
  }
  try {
    return pp::run(arguments[1], std::atoi(arguments[2]), arguments[3]);
  } catch (const pp::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
