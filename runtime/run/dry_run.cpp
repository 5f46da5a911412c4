#include "runtime/run/dry_run.h"

#include "loader/core/text.h"
#include "runtime/run/counted.h"
#include "runtime/run/rank_stages.h"
#include "runtime/schedule/peak_live.h"

namespace pp {

namespace {

struct Memory {
  uint64_t weights = 0;
  uint64_t gradients = 0;
  uint64_t optimizer = 0;
  uint64_t sent = 0;  ///< a step, both ways
};

/// Tensors as large as the parameter that the optimizer keeps for each.
uint64_t optimizer_copies(const OptimizerConfig& optimizer) {
  const auto option =
      optimizer.options.find(optimizer.name == "sgd" ? "momentum" : "amsgrad");
  const bool is_set = option != optimizer.options.end() &&
                      option->second != OptimizerOption(0.0) &&
                      option->second != OptimizerOption(false);
  return (optimizer.name == "sgd" ? 0 : 2) + (is_set ? 1 : 0);
}

Memory memory_of(const Plan& plan, const std::vector<int>& stages) {
  Memory memory;
  for (const int index : stages) {
    const StageSource& stage = plan.source.stages[index];
    for (const ir::State& state : stage.graph.states) {
      const uint64_t bytes = ir::num_bytes(stage.records.at(state.fqn).tensor);
      memory.weights += bytes;
      if (plan.trains() && state.kind == ir::StateKind::Parameter) {
        memory.gradients += bytes;
        memory.optimizer += bytes * optimizer_copies(plan.job.train->optimizer);
      }
    }
    const StageManifest& entry = plan.source.manifest.stages[index];
    const auto microbatches =
        static_cast<uint64_t>(plan.batch.num_microbatches);
    memory.sent += microbatches * entry.bytes_out;
    if (plan.trains()) {
      memory.sent += microbatches * entry.bytes_in;
    }
  }
  return memory;
}

}  // namespace

std::string dry_run(const Plan& plan) {
  const Schedule& schedule =
      plan.trains() ? plan.train_schedule : plan.forward_schedule;
  std::string out =
      plan.job.pipeline.schedule + ", " + std::to_string(plan.num_ranks) +
      " ranks, " + counted(plan.num_stages(), "stage", "stages") + ", " +
      std::to_string(plan.batch.batch_size) + " rows a step in " +
      counted(plan.batch.num_microbatches, "microbatch", "microbatches") + "\n";
  for (int rank = 0; rank < plan.num_ranks; ++rank) {
    const std::vector<int> stages = stages_of(schedule.stage_to_rank, rank);
    std::vector<std::string> names;
    for (const int stage : stages) {
      names.push_back(std::to_string(stage));
    }
    const Memory memory = memory_of(plan, stages);
    const PeakLive peak = peak_live(schedule.ranks[rank], CostTable{});
    out += "\nrank " + std::to_string(rank) + ": stage" +
           (stages.size() == 1 ? " " : "s ") + join(names) + "\n";
    out += "  weights " + human_bytes(memory.weights) + ", gradients " +
           human_bytes(memory.gradients) + ", optimizer state " +
           human_bytes(memory.optimizer) + "\n";
    out += "  activations of " + std::to_string(peak.activations) +
           " microbatch" + (peak.activations == 1 ? "" : "es") +
           " at most; about " + human_bytes(memory.sent) +
           " sent a step, at the sizes of the export\n  ";
    std::vector<std::string> actions;
    for (const Action& action : schedule.ranks[rank]) {
      actions.push_back(to_string(action));
    }
    out += join(actions, " ") + "\n";
  }
  return out;
}

}  // namespace pp
