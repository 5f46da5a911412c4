// Simulates schedules of any size: what `pp schedule` does, without the
// pictures and their limit.
//
//   simulate_many < CASES.json
//
// CASES.json: {"latency": S, "bytes_per_s": N, "cases": [{"schedule": NAME,
// "ranks": N, "stages_per_rank": N, "microbatches": N, "costs": [{"forward": S,
// "input": S, "weight": S, "backward": S, "bytes": N}, ...]}, ...]}; costs are
// of a microbatch, one row for all stages or one for each. Prints for each case
// one line of JSON with step, bubble and the most activations alive, in
// microbatches of a whole rank.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>

#include <nlohmann/json.hpp>

#include "runtime/schedule/schedule.h"
#include "runtime/schedule/simulate.h"

namespace pp {
namespace {

using Json = nlohmann::json;

CostTable costs_of(const Json& all, const Json& one) {
  CostTable costs;
  costs.stages.clear();
  for (const Json& stage : one.at("costs")) {
    costs.stages.push_back(
        {.forward = stage.at("forward"),
         .input = stage.at("input"),
         .weight = stage.at("weight"),
         .backward = stage.at("backward"),
         .output_bytes = stage.at("bytes"),
         .gradient_bytes = stage.at("bytes")});
  }
  costs.latency = all.at("latency");
  costs.bytes_per_time = all.at("bytes_per_s");
  return costs;
}

Json simulate_one(const Json& all, const Json& one) {
  const int ranks = one.at("ranks");
  const int per_rank = one.at("stages_per_rank");
  const Schedule schedule =
      find_schedule(one.at("schedule").get<std::string>())
          .generate({ranks, ranks * per_rank, one.at("microbatches")});
  const Timeline timeline = simulate(schedule, costs_of(all, one));
  double peak = 0;
  for (const RankTimeline& rank : timeline.ranks) {
    peak = std::max(peak, rank.peak_microbatches);
  }
  return {
      {"step", timeline.makespan}, {"bubble", timeline.bubble}, {"peak", peak}};
}

}  // namespace
}  // namespace pp

int main() {
  try {
    const nlohmann::json all = nlohmann::json::parse(std::cin);
    for (const nlohmann::json& one : all.at("cases")) {
      std::cout << pp::simulate_one(all, one).dump() << '\n' << std::flush;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulate_many: %s\n", error.what());
    return 1;
  }
}
