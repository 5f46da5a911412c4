#include "runtime/training/evaluation.h"

#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include "runtime/observe/progress_format.h"
#include "runtime/pipeline/failed_rows.h"
#include "runtime/pipeline/forward_pass.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/rank/collectives.h"
#include "runtime/stage/kept_states.h"

namespace pp {

namespace {

/// A sum of losses and the sum of their weights.
struct WeightedSum {
  double sum = 0;
  double weight = 0;
  int64_t bad_batch = -1;  ///< the first whose loss isn't finite; -1: none

  /// Adds a batch's loss.
  void add(double loss, double batch_weight, int64_t batch) {
    sum += loss * batch_weight;
    note_bad(std::isfinite(loss) ? -1 : batch);
  }
  void note_bad(int64_t batch) {
    if (batch >= 0 && (bad_batch < 0 || batch < bad_batch)) {
      bad_batch = batch;
    }
  }
};

Message to_message(const WeightedSum& loss) {
  Message message;
  message.tensors.push_back(at::empty({3}, at::kDouble));
  message.requires_grad.push_back(0);
  auto* numbers = message.tensors[0].data_ptr<double>();
  numbers[0] = loss.sum;
  numbers[1] = loss.weight;
  numbers[2] = static_cast<double>(loss.bad_batch);
  return message;
}

WeightedSum total_of(const std::vector<Message>& messages) {
  WeightedSum total;
  for (const Message& message : messages) {
    const auto* numbers = message.tensors[0].const_data_ptr<double>();
    total.sum += numbers[0];
    total.weight += numbers[1];
    total.note_bad(static_cast<int64_t>(numbers[2]));
  }
  return total;
}

DataLoaderOptions with_short_batch(
    DataLoaderOptions options, const BatchPlan& plan) {
  options.plan = plan;
  options.keep_short_batch = true;
  return options;
}

}  // namespace

Evaluation::Evaluation(
    const Plan& plan,
    MeshRank& ranks,
    RankStages& stages,
    DataLoaderOptions options)
    : plan_(plan),
      ranks_(ranks),
      stages_(stages),
      data_(
          plan.eval->data,
          with_short_batch(std::move(options), plan.eval_batch)),
      executor_(ranks.pipeline, plan.forward_schedule, stages.pointers()) {}

Evaluation::Result Evaluation::run(const std::stop_token& stop) {
  LossFunction loss(
      plan_.train->loss,
      plan_.loss_output,
      plan_.trust,
      device_of(ranks_.world));
  const KeptStates states(stages_.stages());
  WeightedSum own;
  int64_t current = -1;
  const auto end_batch = [&] {
    if (current >= 0) {
      own.add(loss.value(), loss.weight(), current);
    }
  };
  EarlyEnd early_end(ranks_.world, stop);
  ForwardPass pass;
  pass.early_end = &early_end;
  pass.pass = Pass::Evaluate;
  pass.seed = plan_.seed;
  pass.on_outputs = [&](int64_t batch,
                        const StepData& step,
                        int microbatch,
                        const auto& outputs) {
    if (batch != current) {
      end_batch();
      current = batch;
      loss.begin_step(step);
      // Each replica has a part of the batch's loss; the first adds the weight.
      own.weight += ranks_.replicas.rank == 0 ? loss.weight() : 0;
    }
    loss(step[microbatch], outputs, {plan_.seed, batch, microbatch});
  };
  const bool is_complete = run_forwards(
      ranks_.pipeline,
      executor_,
      plan_.train_schedule.stage_to_rank,
      data_,
      pass);
  end_batch();
  states.restore();
  if (!is_complete) {
    return {.ended_early = true};
  }
  const WeightedSum total = total_of(gather(ranks_.world, to_message(own)));
  if (ranks_.world.rank != 0) {
    return {};
  }
  // NaN where no target counts.
  Result result{.loss = total.sum / total.weight};
  if (total.bad_batch >= 0) {
    result.problem = "the loss is " + number_text(result.loss) + ", first in " +
                     rows_text(data_.rows(total.bad_batch)) +
                     " of the evaluation's data";
  } else if (!(total.weight > 0)) {
    result.problem = "every target is ignored, so there is no loss";
  }
  return result;
}

}  // namespace pp
