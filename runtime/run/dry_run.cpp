#include "runtime/run/dry_run.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "loader/core/count_text.h"
#include "loader/core/text.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/name_patterns.h"
#include "runtime/schedule/cost_text.h"
#include "runtime/schedule/peak_live.h"

namespace pp {

namespace {

// Enough for a median that one interruption doesn't change.
constexpr int kTimedRuns = 5;

const Schedule& schedule_of(const Plan& plan) {
  return plan.trains() ? plan.train_schedule : plan.forward_schedule;
}

bool is_half_precision(const ir::TensorMeta& parameter) {
  return parameter.dtype == ir::ScalarType::BFloat16 ||
         parameter.dtype == ir::ScalarType::Half;
}

/// Optimizer bytes of one parameter on one rank, if `num_shares` replicas share
/// its state.
int64_t optimizer_bytes(
    const OptimizerConfig& optimizer,
    const ir::State& state,
    const ir::TensorMeta& parameter,
    int64_t num_shares) {
  const bool has_master = is_half_precision(parameter);
  const auto own = static_cast<int64_t>(ir::num_bytes(parameter));
  const int64_t one = has_master ? 2 * own : own;  // its state is float32
  int64_t copies = (has_master ? 1 : 0) + (optimizer.ema_decay ? 1 : 0);
  const ParameterForm form{
      std::ssize(parameter.sizes), ir::is_complex(parameter.dtype)};
  for (const OptimizerState& each :
       optimizer.states(optimizer.options_of(state.fqn, state.aliases), form)) {
    copies += each.is_scalar ? 0 : 1;
  }
  return (one + num_shares - 1) / num_shares * copies;
}

/// The model inputs that a stage reads from the data.
std::set<std::string> user_inputs(const Plan& plan, int stage) {
  std::set<std::string> names;
  const Border border = plan_border(plan.source.manifest, stage, plan.wanted);
  for (const EntryPoint& entry : border.entries) {
    if (entry.from == EntryPoint::From::User) {
      names.insert(entry.name);
    }
  }
  return names;
}

int64_t row_bytes(
    const Plan& plan, const PlanProbe& probe, const std::vector<int>& stages) {
  std::set<std::string> names;
  for (const int stage : stages) {
    names.merge(user_inputs(plan, stage));
    if (stage + 1 == plan.num_stages()) {
      names.insert("");  // the target
    }
  }
  int64_t sum = 0;
  for (const std::string& name : names) {
    const auto found = probe.row_bytes.find(name);
    sum += found == probe.row_bytes.end() ? 0 : found->second;
  }
  return sum;
}

/// Bytes that a rank sends to others in one step.
int64_t bytes_sent(const PlanProbe& probe, const std::vector<Action>& list) {
  int64_t sum = 0;
  for (const Action& action : list) {
    const StageCost& cost = probe.costs.stages[action.stage];
    if (action.kind == ActionKind::SendForward) {
      sum += cost.output_bytes;
    } else if (action.kind == ActionKind::SendBackward) {
      sum += cost.gradient_bytes;
    }
  }
  return sum;
}

std::string bytes(int64_t count) {
  return human_bytes(static_cast<uint64_t>(std::max<int64_t>(count, 0)));
}

std::string number(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string rank_text(
    const Plan& plan, const PlanProbe& probe, int rank, LauncherKind launcher) {
  const Schedule& schedule = schedule_of(plan);
  const std::vector<Action>& list = schedule.ranks[rank];
  const std::vector<int> stages = stages_of(schedule.stage_to_rank, rank);
  std::vector<std::string> names;
  names.reserve(stages.size());
  for (const int stage : stages) {
    names.push_back(std::to_string(stage));
  }
  const RankMemory memory = rank_memory(plan, probe, rank, launcher);
  const PeakLive live = peak_live(list, CostTable{});
  std::string out = "\nrank " + std::to_string(rank) + ": stage" +
                    (stages.size() == 1 ? " " : "s ") + join(names) + "\n";
  out += "  weights " + bytes(memory.weights) + ", gradients " +
         bytes(memory.gradients) + ", optimizer state " +
         bytes(memory.optimizer) +
         (memory.checkpoint == 0
              ? ""
              : ", checkpoint copy " + bytes(memory.checkpoint)) +
         (memory.replicas == 0
              ? ""
              : ", exchange with replicas " + bytes(memory.replicas)) +
         "\n";
  out += "  activations of " +
         count_text(
             static_cast<int>(live.activations), "microbatch", "microbatches") +
         " at most; " + bytes(bytes_sent(probe, list)) + " sent per step\n";
  out += "  at the peak: activations " + bytes(memory.held.activations) +
         ", message buffers " + bytes(memory.held.messages) + ", gradients " +
         bytes(memory.held.gradients) + ", working memory " +
         bytes(memory.held.work) + ", rows " + bytes(memory.rows) + "\n";
  out += "  peak " + bytes(memory.peak()) + "\n  ";
  std::vector<std::string> actions;
  actions.reserve(list.size());
  for (const Action& action : list) {
    actions.push_back(to_string(action));
  }
  return out + join(actions, " ") + "\n";
}

std::string percent(double share) {
  return number("%.1f %%", 100 * share);
}

std::string milliseconds(double seconds) {
  return number(seconds < 0.1 ? "%.3g ms" : "%.0f ms", 1000 * seconds);
}

std::string prediction(
    const Plan& plan, const PlanProbe& probe, const std::string& cost) {
  const bool is_measured = cost == "measured";
  const CostTable costs = is_measured ? probe.costs : parse_costs(cost);
  const Timeline timeline = simulate(schedule_of(plan), costs);
  std::string out = "\n";
  for (size_t i = 0; is_measured && i < costs.stages.size(); ++i) {
    const StageCost& stage = costs.stages[i];
    out += "stage " + std::to_string(i) + ": F " + milliseconds(stage.forward);
    if (plan.trains()) {
      out += ", I " + milliseconds(stage.input) + ", W " +
             milliseconds(stage.weight) + ", B " + milliseconds(stage.backward);
    }
    out += "\n";
  }
  out += "predicted step " +
         (is_measured ? milliseconds(timeline.makespan)
                      : number("%.4g units", timeline.makespan)) +
         (is_measured ? ", without messages and update" : "") + "; bubble " +
         percent(timeline.bubble);
  for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    out += (rank == 0 ? " (" : ", ") + ("rank " + std::to_string(rank)) + ": " +
           percent(timeline.ranks[rank].bubble);
  }
  return out + ")\n";
}

}  // namespace

int64_t RankMemory::peak() const {
  return weights + optimizer + checkpoint + replicas + rows +
         std::max(held.total(), gradients + update);
}

RankMemory rank_memory(
    const Plan& plan, const PlanProbe& probe, int rank, LauncherKind launcher) {
  const Schedule& schedule = schedule_of(plan);
  const std::vector<int> stages = stages_of(schedule.stage_to_rank, rank);
  RankMemory memory;
  const int64_t num_shares = plan.shards_optimizer ? plan.mesh.replicas : 1;
  int64_t whole_optimizer = 0;
  for (const int index : stages) {
    const StageSource& stage = plan.source.stage(index);
    for (const ir::State& state : stage.graph.states) {
      const ir::TensorMeta& tensor = stage.records.at(state.fqn).tensor;
      const auto count = static_cast<int64_t>(ir::num_bytes(tensor));
      memory.weights += count;
      if (plan.trains() && state.kind == ir::StateKind::Parameter &&
          !has_match(state.fqn, state.aliases, plan.train->freeze)) {
        memory.gradients += count;
        memory.update += is_half_precision(tensor) ? 2 * count / num_shares : 0;
        const OptimizerConfig& optimizer = plan.train->optimizer;
        memory.optimizer +=
            optimizer_bytes(optimizer, state, tensor, num_shares);
        whole_optimizer += optimizer_bytes(optimizer, state, tensor, 1);
      }
    }
  }
  if (plan.trains() &&
      (plan.output.checkpoint_every || plan.output.keep_best)) {
    memory.checkpoint = memory.weights + whole_optimizer;
  }
  // Gradients that it sends to be summed, and those that it receives.
  const int64_t replicas = plan.mesh.replicas;
  memory.replicas = 2 * memory.gradients * (replicas - 1) / replicas;
  // The rows of an update, and those of the next batch, read ahead.
  memory.rows = row_bytes(plan, probe, stages) *
                (plan.trains() ? plan.train->accumulate + 1 : 1);
  memory.held = peak_memory(
      schedule,
      rank,
      probe.memory,
      launcher == LauncherKind::Local ? SentMemory::HandedOver
                                      : SentMemory::Copied);
  return memory;
}

std::string dry_run(
    const Plan& plan,
    LauncherKind launcher,
    const std::string& cost,
    const RunOptions& options) {
  if (!cost.empty() && cost != "measured") {
    parse_costs(cost);  // refuses before anything runs
  }
  const PlanProbe probe =
      probe_plan(plan, cost == "measured" ? kTimedRuns : 0, options);
  std::string out =
      plan.schedule_name + ", " + count_text(plan.num_ranks, "rank", "ranks") +
      ", " + count_text(plan.num_stages(), "stage", "stages") + ", " +
      count_text(plan.batch.batch_size, "row", "rows") + " per step in " +
      count_text(plan.batch.num_microbatches, "microbatch", "microbatches") +
      (plan.mesh.replicas > 1
           ? " on each of " +
                 count_text(plan.mesh.replicas, "replica", "replicas") +
                 " of the ranks below"
           : "") +
      "\n";
  for (int rank = 0; rank < plan.num_ranks; ++rank) {
    out += rank_text(plan, probe, rank, launcher);
  }
  return cost.empty() ? out : out + prediction(plan, probe, cost);
}

}  // namespace pp
