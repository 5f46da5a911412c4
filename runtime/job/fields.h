#pragma once

#include <span>

#include "runtime/job/field.h"
#include "runtime/job/job.h"

// The keys of the job file, by the struct that they are read into. Adding a key
// means adding one row here, and nothing else.

namespace pp {

/// The value of `model.checkpoint` for the newest checkpoint in `output.dir`.
inline constexpr std::string_view kLatest = "latest";

std::span<const Field<ModelConfig>> model_fields();
std::span<const Field<SplitSpec>> split_fields();
std::span<const Field<PipelineConfig>> pipeline_fields();
std::span<const Field<ParallelConfig>> parallel_fields();
std::span<const Field<DataConfig>> data_fields();
/// The keys of `data.inputs.<name>` and `data.target`, and of the same tables
/// in `eval.data`.
std::span<const Field<SourceConfig>> source_fields();
std::span<const Field<TrainConfig>> train_fields();
std::span<const Field<EarlyStop>> early_stop_fields();
std::span<const Field<LossConfig>> loss_fields();
/// The key `train.optimizer.name`. The optimizer's options are in
/// optimizer_option_keys().
std::span<const Field<OptimizerConfig>> optimizer_fields();
/// The keys of `train.ema`.
std::span<const Field<OptimizerConfig>> ema_fields();
std::span<const Field<LrSchedule>> lr_schedule_fields();
std::span<const Field<EvalConfig>> eval_fields();
std::span<const Field<DataConfig>> eval_data_fields();
std::span<const Field<OutputConfig>> output_fields();
std::span<const Field<OutputRule>> output_rule_fields();
std::span<const Field<SecurityConfig>> security_fields();

/// The keys of the options in optimizer_options(): "train.optimizer.lr" and so
/// on.
std::span<const JobKey> optimizer_option_keys();

}  // namespace pp
