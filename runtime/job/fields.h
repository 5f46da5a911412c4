#pragma once

#include <span>

#include "runtime/job/field.h"
#include "runtime/job/job.h"

// The keys of the job file, by the struct that they are read into. A key is
// one row here and nothing else.

namespace pp {

std::span<const Field<ModelConfig>> model_fields();
std::span<const Field<SplitSpec>> split_fields();
std::span<const Field<PipelineConfig>> pipeline_fields();
std::span<const Field<ParallelConfig>> parallel_fields();
std::span<const Field<DataConfig>> data_fields();
/// `data.inputs.<name>` and `data.target`, and the same keys of `eval.data`.
std::span<const Field<SourceConfig>> source_fields();
std::span<const Field<TrainConfig>> train_fields();
std::span<const Field<LossConfig>> loss_fields();
/// `train.optimizer.name`; options are rows of optimizer_options().
std::span<const Field<OptimizerConfig>> optimizer_fields();
std::span<const Field<LrSchedule>> lr_schedule_fields();
std::span<const Field<EvalConfig>> eval_fields();
std::span<const Field<DataConfig>> eval_data_fields();
std::span<const Field<OutputConfig>> output_fields();
std::span<const Field<OutputRule>> output_rule_fields();
std::span<const Field<SecurityConfig>> security_fields();

/// The keys of optimizer_options(): "train.optimizer.lr" and so on.
std::span<const JobKey> optimizer_option_keys();

}  // namespace pp
