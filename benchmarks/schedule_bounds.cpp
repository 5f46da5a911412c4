// Steps of several jobs in turn, each against the bound that simulation gives
// for its schedule from the times its own F, I, W and B took in that step; and
// what I and W of each stage cost together against B.
//
//   schedule_bounds REPETITIONS JOB.toml...
//
// All jobs have the same number of ranks, which are threads here. Prints JSON;
// bounds.py makes the jobs and a table.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "loader/core/heap.h"
#include "runtime/data/data_loader.h"
#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/rank/collectives.h"
#include "runtime/run/probe_plan.h"

namespace pp {
namespace {

constexpr int kWarmUp = 2;  // steps that are not counted

double median(std::vector<double> values) {
  if (values.empty()) {
    return std::nan("");
  }
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

/// The times of one rank in one step.
struct RankStep {
  double wall_s = 0;
  std::map<std::pair<int, ActionKind>, std::vector<double>> times;
};

/// One rank of one job.
class Runner {
 public:
  Runner(const Plan& plan, RankContext& context)
      : plan_(plan),
        stages_(
            plan.source,
            stages_of(plan.train_schedule.stage_to_rank, context.rank),
            stage_options(plan)),
        owns_last_(plan.train_schedule.stage_to_rank.back() == context.rank),
        data_(plan.data, loader_options()),
        loss_(plan.train->loss, plan.loss_output, plan.trust),
        executor_(context, plan.train_schedule, stages_.pointers()) {}

  /// One step without its update.
  RankStep step(int64_t index) {
    const StepData batch(data_.step(index % data_.steps_per_epoch()));
    if (owns_last_) {
      loss_.begin_step(batch);
    }
    RankStep out;
    StepInputs inputs;
    inputs.pass = Pass::Train;
    inputs.step = index;
    inputs.user_inputs = batch.user_inputs();
    inputs.on_outputs = [&](int microbatch, const auto& outputs) {
      return loss_(batch[microbatch], outputs);
    };
    inputs.on_computed = [&](const Action& action, double seconds) {
      out.times[{action.stage, action.kind}].push_back(seconds);
    };
    out.wall_s = executor_.run(inputs).wall_s;
    for (auto& [stage_index, stage] : stages_.stages()) {
      for (StageState& state : stage.states()) {
        state.tensor.mutable_grad() = at::Tensor();
      }
    }
    return out;
  }

 private:
  DataLoaderOptions loader_options() {
    DataLoaderOptions options;
    options.plan = plan_.batch;
    options.inputs = plan_.inputs;
    options.wanted = stages_.user_inputs();
    options.wants_target = owns_last_;
    return options;
  }

  const Plan& plan_;
  RankStages stages_;
  bool owns_last_;
  DataLoader data_;
  LossFunction loss_;
  Executor executor_;
};

CostTable costs_of(int num_stages, const std::vector<RankStep>& ranks) {
  CostTable costs;
  costs.stages.assign(
      static_cast<size_t>(num_stages),
      {.forward = 0, .input = 0, .weight = 0, .backward = 0});
  for (const RankStep& rank : ranks) {
    for (const auto& [what, times] : rank.times) {
      StageCost& cost = costs.stages[what.first];
      const double time = median(times);
      switch (what.second) {
        case ActionKind::Forward:
          cost.forward = time;
          break;
        case ActionKind::BackwardInput:
          cost.input = time;
          break;
        case ActionKind::BackwardWeight:
          cost.weight = time;
          break;
        default:
          cost.backward = time;
      }
    }
  }
  return costs;
}

/// The counted steps of one job.
struct Results {
  std::vector<double> steps;
  std::vector<double> bounds;
  std::vector<double> ratios;
  std::vector<double> bubbles;

  void add(const Plan& plan, const std::vector<RankStep>& ranks) {
    const CostTable costs = costs_of(plan.num_stages(), ranks);
    const Timeline bound = simulate(plan.train_schedule, costs);
    double step = 0;
    for (const RankStep& rank : ranks) {
      step = std::max(step, rank.wall_s);
    }
    steps.push_back(step);
    bounds.push_back(bound.makespan);
    ratios.push_back(step / bound.makespan);
    bubbles.push_back(bound.bubble);
  }
};

std::vector<Results> run_steps(
    const std::vector<std::shared_ptr<const Plan>>& plans, int repetitions) {
  const int num_ranks = plans.front()->num_ranks;
  std::vector<Results> results(plans.size());
  std::vector<RankStep> ranks(static_cast<size_t>(num_ranks));
  launch_local(num_ranks, {}, [&](RankContext& context) {
    std::vector<std::unique_ptr<Runner>> runners;
    runners.reserve(plans.size());
    for (const auto& plan : plans) {
      runners.push_back(std::make_unique<Runner>(*plan, context));
    }
    for (int step = 0; step < kWarmUp + repetitions; ++step) {
      for (size_t job = 0; job < plans.size(); ++job) {
        barrier(context);
        ranks[context.rank] = runners[job]->step(step);
        barrier(context);
        if (context.rank == 0 && step >= kWarmUp) {
          results[job].add(*plans[job], ranks);
        }
      }
    }
  });
  return results;
}

nlohmann::json split_cost(const Plan& plan, int repetitions) {
  nlohmann::json rows = nlohmann::json::array();
  const PlanProbe probe = probe_plan(plan, repetitions);
  for (size_t stage = 0; stage < probe.costs.stages.size(); ++stage) {
    const StageCost& cost = probe.costs.stages[stage];
    rows.push_back(
        {{"stage", stage},
         {"forward_ms", 1000 * cost.forward},
         {"input_ms", 1000 * cost.input},
         {"weight_ms", 1000 * cost.weight},
         {"backward_ms", 1000 * cost.backward},
         {"ratio", probe.split_ratios[stage]}});
  }
  return rows;
}

int run(int repetitions, const std::vector<std::string>& paths) {
  std::vector<std::shared_ptr<const Plan>> plans;
  plans.reserve(paths.size());
  for (const std::string& path : paths) {
    plans.push_back(make_plan(load_job(path), std::nullopt));
  }
  nlohmann::json out;
  out["split"] = split_cost(*plans.front(), repetitions);
  const std::vector<Results> results = run_steps(plans, repetitions);
  out["schedules"] = nlohmann::json::array();
  for (size_t job = 0; job < plans.size(); ++job) {
    const Results& result = results[job];
    out["schedules"].push_back(
        {{"schedule", plans[job]->schedule_name},
         {"stages", plans[job]->num_stages()},
         {"step_ms", 1000 * median(result.steps)},
         {"bound_ms", 1000 * median(result.bounds)},
         {"bubble", median(result.bubbles)},
         {"ratio", median(result.ratios)},
         {"best_ratio", *std::ranges::min_element(result.ratios)}});
  }
  std::puts(out.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace pp

int main(int argc, char** argv) {
  pp::keep_freed_memory();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  int repetitions = 0;
  if (arguments.size() >= 2) {
    const std::string& text = arguments.front();
    std::from_chars(text.data(), text.data() + text.size(), repetitions);
  }
  if (repetitions < 1) {
    std::fputs("usage: schedule_bounds REPETITIONS JOB.toml...\n", stderr);
    return 2;
  }
  try {
    return pp::run(repetitions, {arguments.begin() + 1, arguments.end()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "schedule_bounds: %s\n", error.what());
    return 1;
  }
}
