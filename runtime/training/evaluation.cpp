#include "runtime/training/evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "runtime/data/join_output.h"
#include "runtime/observe/progress_format.h"
#include "runtime/optim/class_counts.h"
#include "runtime/pipeline/failed_rows.h"
#include "runtime/pipeline/forward_pass.h"
#include "runtime/pipeline/padding_trial.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"
#include "runtime/stage/kept_states.h"

namespace pp {

namespace {

/// Numbers of EvaluationSums that ranks send, besides the counts of classes.
constexpr int64_t kNumSums = 3;

Message to_message(const EvaluationSums& loss) {
  Message message;
  message.tensors.push_back(at::empty({kNumSums}, at::kDouble));
  message.requires_grad.push_back(0);
  auto* numbers = message.tensors[0].data_ptr<double>();
  numbers[0] = loss.sum;
  numbers[1] = loss.weight;
  numbers[2] = static_cast<double>(loss.bad_batch);
  message.tensors.push_back(
      loss.counts.defined() ? loss.counts.cpu()
                            : at::zeros({kNumClassCounts}, at::kDouble));
  message.requires_grad.push_back(0);
  return message;
}

bool has_doubles(const at::Tensor& tensor, int64_t count) {
  return tensor.scalar_type() == at::kDouble && tensor.dim() == 1 &&
         tensor.size(0) == count;
}

EvaluationSums total_of(const std::vector<Message>& messages) {
  EvaluationSums total;
  for (size_t rank = 0; rank < messages.size(); ++rank) {
    const Message& message = messages[rank];
    if (message.tensors.size() != 2 ||
        !has_doubles(message.tensors[0], kNumSums) ||
        !has_doubles(message.tensors[1], kNumClassCounts)) {
      throw not_from_rank(static_cast<int>(rank), "its sums of an evaluation");
    }
    const auto* numbers = message.tensors[0].const_data_ptr<double>();
    total.sum += numbers[0];
    total.weight += numbers[1];
    total.note_bad(static_cast<int64_t>(numbers[2]));
    total.add_counts(message.tensors[1]);
  }
  return total;
}

/// How an output's rows are separated from padding rows: along the dimension
/// in which the job joins them.
OutputRule row_rule(const Plan& plan, const std::string& output) {
  const auto found = plan.output.outputs.find(output);
  if (found == plan.output.outputs.end() ||
      found->second.join != Join::Dimension) {
    return {};
  }
  return {.join = Join::Dimension, .dimension = found->second.dimension};
}

/// The outputs for the loss, which get no padding rows.
ModelOutputs own_rows(
    const Plan& plan,
    const LossFunction& loss,
    const Microbatch& microbatch,
    ModelOutputs outputs) {
  const RowCount rows{microbatch.num_rows, microbatch.num_padding};
  for (auto& [name, value] : outputs) {
    if (rows.padding > 0 && loss.reads(name)) {
      value = without_padding(row_rule(plan, name), value, rows);
    }
  }
  return outputs;
}

}  // namespace

DataLoaderOptions evaluation_loader_options(
    const Plan& plan, DataLoaderOptions options) {
  options.plan = plan.eval_batch;
  options.keep_short_batch = true;
  options.pads_fixed_batch = true;
  return options;
}

Evaluation::Evaluation(
    const Plan& plan,
    MeshRank& ranks,
    RankStages& stages,
    DataLoaderOptions options)
    : plan_(plan),
      ranks_(ranks),
      stages_(stages),
      options_(evaluation_loader_options(plan, std::move(options))),
      data_(plan.eval->data, options_),
      executor_(ranks.pipeline, plan.forward_schedule, stages.pointers()) {}

LossFunction Evaluation::make_loss_function() const {
  return {
      plan_.train->loss,
      plan_.loss_output,
      plan_.trust,
      device_of(ranks_.world)};
}

void Evaluation::check_padding() {
  if (data_.pads()) {
    try_rows(make_loss_function());
  }
}

void Evaluation::try_rows(const LossFunction& loss) {
  try_padding(
      plan_,
      ranks_.pipeline,
      stages_,
      executor_,
      {.data = plan_.eval->data,
       .table = "eval.data",
       .options = options_,
       .pass = Pass::Evaluate,
       .rule_of =
           [&](const std::string& output) {
             return loss.reads(output) ? std::optional(row_rule(plan_, output))
                                       : std::nullopt;
           },
       .obstacle = loss.has_fixed_rows() ? "is read by a loss graph that was "
                                           "exported with a fixed batch"
                                         : ""});
}

bool Evaluation::counts_classes() const {
  return std::ranges::any_of(plan_.eval->metrics, [](EvalMetric metric) {
    return metric != EvalMetric::Loss;
  });
}

std::vector<MetricValue> Evaluation::metrics_of(
    const at::Tensor& counts) const {
  std::vector<MetricValue> values;
  for (const EvalMetric metric : plan_.eval->metrics) {
    if (metric != EvalMetric::Loss) {
      values.push_back(
          {std::string(enum_name(metric)),
           value_of(metric, to_class_counts(counts))});
    }
  }
  return values;
}

Evaluation::Result Evaluation::run(const std::stop_token& stop) {
  LossFunction loss = make_loss_function();
  if (data_.pads()) {
    try_rows(loss);
  }
  const KeptStates states(stages_.stages());
  EvaluationSums own;
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
    const Microbatch& rows = step[microbatch];
    const ModelOutputs read = own_rows(plan_, loss, rows, outputs);
    loss(rows, read, {plan_.seed, batch, microbatch});
    if (counts_classes()) {
      own.add_counts(count_classes(
          *plan_.train->loss.kind, read.at(plan_.loss_output), rows.target));
    }
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
  const EvaluationSums total = total_of(gather(ranks_.world, to_message(own)));
  return ranks_.world.rank == 0 ? result_of(total) : Result{};
}

Evaluation::Result Evaluation::result_of(const EvaluationSums& total) const {
  // NaN where no target counts.
  Result result{.loss = total.sum / total.weight};
  result.metrics = metrics_of(total.counts);
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
