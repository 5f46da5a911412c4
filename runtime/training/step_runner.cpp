#include "runtime/training/step_runner.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "loader/core/seconds_since.h"
#include "runtime/optim/lr_schedule.h"
#include "runtime/pipeline/failed_rows.h"
#include "runtime/rank/failure.h"

namespace pp {

StepReport report_of(
    const StepOutcome& outcome, int64_t step, int64_t num_steps) {
  const StepSummary& summary = outcome.summary;
  StepReport report;
  report.step = step;
  report.total = num_steps;
  report.loss = summary.loss;
  report.grad_norm = summary.grad_norm;
  report.lr = outcome.lr;
  report.step_ms = outcome.seconds * 1000;
  report.samples_per_s =
      static_cast<double>(outcome.num_rows) / outcome.seconds;
  if (summary.tokens > 0) {
    report.tokens_per_s = summary.tokens / outcome.seconds;
  }
  if (summary.wall_s > 0) {
    report.bubble = 1 - summary.busy_s / summary.wall_s;
  }
  return report;
}

StepRunner::StepRunner(const Parts& parts, int64_t num_steps)
    : parts_(parts),
      num_steps_(num_steps),
      owns_last_stage_(owns_last_stage(
          parts.plan.train_schedule.stage_to_rank, parts.ranks.pipeline.rank)),
      loss_(
          parts.plan.train->loss,
          parts.plan.loss_output,
          parts.plan.trust,
          device_of(parts.ranks.world)),
      executor_(
          parts.ranks.pipeline,
          parts.plan.train_schedule,
          parts.stages.pointers()),
      written_(parts.stages.stages(), parts.plan.train->on_nan == OnNan::Skip) {
  if (num_steps_ > 0) {  // else the job only evaluates
    check_lr_schedule(
        parts_.plan.train->lr_schedule, parts_.updates.base_lr(), num_steps_);
  }
  if (parts_.ranks.world.device != nullptr) {
    device_watch_.emplace(*parts_.ranks.world.device, parts_.stages.stages());
  }
}

StepOutcome StepRunner::run(int64_t step) {
  const auto start = std::chrono::steady_clock::now();
  RunTrace& trace = parts_.trace;
  trace.begin_step(step + 1);
  trace.begin("rows");
  if (device_watch_) {
    device_watch_->begin_step();
  }
  const StepData batch = parts_.data.read(step, parts_.ranks.world.device);
  trace.end();
  StepOutcome outcome;
  outcome.num_rows = batch.num_rows();
  outcome.loss_scale = parts_.updates.loss_scale();
  if (owns_last_stage_) {
    loss_.begin_step(batch);
    loss_.set_scale(outcome.loss_scale);
  }
  written_.begin_step();
  const StepTimes times = run_pipeline(step, batch);
  trace.begin("gradients");
  outcome.summary = complete_gradients(batch, times);
  outcome.summary.grad_norm /= outcome.loss_scale;
  trace.end();
  trace.begin("update");
  outcome.lr = learning_rate(
      parts_.plan.train->lr_schedule,
      parts_.updates.base_lr(),
      num_steps_,
      step);
  outcome.fault = fault_of(
      outcome.summary, parts_.plan.train->precision, outcome.loss_scale);
  if (outcome.fault != StepFault::None) {
    handle_fault(step, batch, outcome);
  }
  if (takes_update(outcome.fault, parts_.plan.train->on_nan)) {
    outcome.dropped = update(outcome.summary.grad_norm, outcome.lr);
  } else {
    parts_.updates.leave_out();
  }
  trace.end();
  outcome.seconds = seconds_since(start);
  return outcome;
}

/// Runs the schedule over the update's microbatches, as many times as batches
/// are accumulated.
StepTimes StepRunner::run_pipeline(int64_t step, const StepData& batch) {
  const BatchPlan& plan = parts_.plan.batch;
  const int own = plan.num_microbatches * parts_.ranks.replicas.rank;
  const int all = plan.total_microbatches();
  StepTimes times;
  for (int first = 0; first < batch.num_microbatches(); first += all) {
    const bool is_last = first + all == batch.num_microbatches();
    try {
      const StepTimes part =
          executor_.run(pipeline_inputs(step, batch, first + own, is_last));
      times.wall_s += part.wall_s;
      times.busy_s += part.busy_s;
    } catch (const ActionFailed& failure) {
      throw with_rows(
          failure,
          batch,
          parts_.data.rows(step),
          first + own + failure.microbatch());
    }
  }
  return times;
}

/// Inputs of one pass through the schedule, over the update's microbatches from
/// `first` on. After the last pass the gradients are complete.
StepInputs StepRunner::pipeline_inputs(
    int64_t step, const StepData& batch, int first, bool is_last) {
  StepInputs inputs;
  inputs.pass = Pass::Train;
  inputs.seed = parts_.plan.seed;
  inputs.step = step;
  inputs.place = [step, first](int microbatch) {
    return std::pair(step, first + microbatch);
  };
  inputs.user_inputs = [&batch, first](int microbatch) -> const UserInputs& {
    return batch[first + microbatch].inputs;
  };
  inputs.on_outputs = [this, &batch, step, first](
                          int microbatch, const auto& outputs) {
    const Microbatch& rows = batch[first + microbatch];
    if (parts_.outputs != nullptr) {
      parts_.outputs->add(first + microbatch, rows.num_rows, outputs);
    }
    return loss_(rows, outputs, {parts_.plan.seed, step, first + microbatch});
  };
  if (device_watch_) {
    inputs.on_computing = [this](const Action& action) {
      device_watch_->begin(action);
    };
    inputs.on_computed = [this](const Action& action, double) {
      device_watch_->end(action);
    };
  }
  if (is_last) {
    inputs.on_reduce_grad = [&replicas =
                                 parts_.replicas](const Action& action) {
      action.kind == ActionKind::ReduceGrad ? replicas.start(action.stage)
                                            : replicas.finish(action.stage);
    };
  }
  return inputs;
}

/// Adds up gradients over replicas and over the stages that share a parameter,
/// and exchanges the step's numbers.
StepSummary StepRunner::complete_gradients(
    const StepData& batch, StepTimes times) {
  const Plan& plan = parts_.plan;
  const RankContext& pipeline = parts_.ranks.pipeline;
  const StageMap& stage_to_rank = plan.train_schedule.stage_to_rank;
  Replicas& replicas = parts_.replicas;
  replicas.finish_all();
  if (parts_.outputs != nullptr) {
    parts_.outputs->end_step();
  }
  sum_tied_gradients(
      parts_.ranks.pipeline,
      plan.source.manifest,
      stage_to_rank,
      replicas.parameters());
  if (device_watch_) {
    times = device_watch_->finish(parts_.trace);
  }
  bad_states_ = written_.poisoned();
  RankSummary own;
  if (owns_last_stage_) {
    own.loss = loss_.value();
    own.weight = loss_.weight();
    own.bad_microbatch = std::isfinite(own.loss) ? -1 : loss_.first_bad();
  }
  own.busy_s = times.busy_s;
  own.wall_s = times.wall_s;
  own.tokens = pipeline.rank == stage_to_rank.front()
                   ? static_cast<double>(batch.num_tokens())
                   : 0;
  own.stop = parts_.save_and_stop.stop_requested();
  own.time_is_up = time_is_up();
  own.counts_norm = replicas.counts_norm();
  // Only the first replica's states are kept.
  own.bad_state = replicas.is_first() && !bad_states_.empty();
  return summarise(parts_.ranks.world, plan, replicas.parameters(), own);
}

/// Whether `train.max_time` has passed since this object was made.
bool StepRunner::time_is_up() const {
  const auto& longest = parts_.plan.train->max_time;
  return longest && std::chrono::steady_clock::now() - start_ >= *longest;
}

/// Describes a step's fault, and undoes what its forwards wrote if the job asks
/// for it. All ranks call it together.
void StepRunner::handle_fault(
    int64_t step, const StepData& batch, StepOutcome& outcome) {
  const OnNan on_nan = parts_.plan.train->on_nan;
  const std::vector<int64_t> rows = parts_.data.rows(step);
  outcome.fault_text = describe_fault(
      parts_.ranks.world,
      parts_.plan,
      outcome.fault,
      outcome.summary,
      {batch,
       rows,
       parts_.replicas.is_first() ? bad_states_ : std::vector<std::string>()});
  if (outcome.fault == StepFault::NoTarget) {
    outcome.summary.loss = std::numeric_limits<double>::quiet_NaN();
    outcome.summary.grad_norm = outcome.summary.loss;
  } else if (on_nan == OnNan::Skip) {
    written_.restore();
  }
}

/// Returns whether the gradients were dropped.
bool StepRunner::update(double grad_norm, double lr) {
  if (!device_watch_) {
    return parts_.updates.apply(grad_norm, lr);
  }
  const bool dropped = parts_.updates.apply(
      grad_norm, lr, [this](int stage) { device_watch_->begin_update(stage); });
  device_watch_->end_update();
  return dropped;
}

void StepRunner::report_memory(const Log& log) const {
  if (device_watch_) {
    device_watch_->report(log);
  }
}

}  // namespace pp
