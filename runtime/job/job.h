#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/core/enum_names.h"
#include "loader/ir/types.h"
#include "runtime/options/device_choice.h"
#include "runtime/options/eval_metric.h"
#include "runtime/options/launcher_kind.h"
#include "runtime/options/loss.h"
#include "runtime/options/lr_schedule.h"
#include "runtime/options/mode.h"
#include "runtime/options/on_nan.h"
#include "runtime/options/optimizer.h"
#include "runtime/options/precision.h"
#include "runtime/options/recompute.h"
#include "runtime/options/transport_kind.h"
#include "splitter/cut/split_spec.h"

namespace pp {

// A job file as plain data, in the types that the runtime uses. The members
// mirror the TOML keys (fields.h); docs/job-file.md describes each. A key that
// is not yet supported has no member.

/// `[model]`: what runs. One of `path`, `stages` and `stage_files` is set.
struct ModelConfig {
  std::filesystem::path path;    ///< a saved full model
  std::filesystem::path stages;  ///< a stage directory
  /// Stages that were exported by hand, in order.
  std::vector<std::filesystem::path> stage_files;
  Mode mode = Mode::Exported;
  /// Safetensors files whose tensors replace parameters and buffers; the last
  /// part of the path may hold `*` and `?`.
  std::optional<std::filesystem::path> weights;
  /// A checkpoint's folder, or a run's folder for its newest checkpoint, see
  /// checkpoint_in (loader/archive/checkpoint_folder.h).
  std::optional<std::filesystem::path> checkpoint;
  bool operator==(const ModelConfig&) const = default;
};

/// `[security]`: what model files may do beyond computing.
struct SecurityConfig {
  /// Operators that models may call in addition to those that pp allows:
  /// "aten::from_file".
  std::vector<std::string> allow;
  bool trust_script = false;  ///< see Trust::script_code
  /// Whether ranks on the CPU run in a sandbox, see enter_sandbox.
  bool sandbox = true;
  bool operator==(const SecurityConfig&) const = default;
};

struct PipelineConfig {
  std::string schedule = "1F1B";    ///< a name, or the path of a .csv
  std::optional<int> microbatches;  ///< see plan_batch (runtime/data/batch.h)
  std::optional<int> ranks;         ///< nullopt: see rank_count (runtime/plan/)
  std::optional<int> stages_per_rank;  ///< nullopt: the schedule's own number
  std::vector<int> rank_map;  ///< rank of each stage; empty: the schedule's own
  std::optional<LauncherKind> launcher;  ///< nullopt: "auto"
  TransportKind transport = TransportKind::Auto;
  int threads_per_rank = 1;
  DeviceChoice device;
  /// Whether to capture passes on a device and replay them.
  bool cuda_graphs = false;
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(1);
  Recompute recompute;
  bool operator==(const PipelineConfig&) const = default;
};

enum class MeshDimension { Pipeline, Replica };

constexpr auto enum_names(MeshDimension) {
  return std::array<EnumName<MeshDimension>, 2>{
      {{MeshDimension::Pipeline, "pipeline"},
       {MeshDimension::Replica, "replica"}}};
}

struct ParallelConfig {
  int replicas = 1;
  int zero = 0;  ///< 1: the optimizer's state is divided among replicas
  /// The dimension along which rank numbers vary fastest comes first.
  std::vector<MeshDimension> order = {
      MeshDimension::Pipeline, MeshDimension::Replica};
  bool operator==(const ParallelConfig&) const = default;
};

/// The element types that a .bin file may have.
inline constexpr std::array<EnumName<ir::ScalarType>, 12> kBinTypes = {
    {{ir::ScalarType::Bool, "bool"},
     {ir::ScalarType::Byte, "uint8"},
     {ir::ScalarType::Char, "int8"},
     {ir::ScalarType::Short, "int16"},
     {ir::ScalarType::UInt16, "uint16"},
     {ir::ScalarType::Int, "int32"},
     {ir::ScalarType::UInt32, "uint32"},
     {ir::ScalarType::Long, "int64"},
     {ir::ScalarType::Half, "float16"},
     {ir::ScalarType::BFloat16, "bfloat16"},
     {ir::ScalarType::Float, "float32"},
     {ir::ScalarType::Double, "float64"}}};

/// The source of one input's data. docs/job-file.md describes the formats.
struct SourceConfig {
  /// The absolute path of the file or files; the last part may hold `*` and
  /// `?`.
  std::filesystem::path path;
  /// Name of the tensor in a .safetensors or .pt file. Empty: the file's only
  /// tensor, or the one called `name`.
  std::string key;
  /// The input's name, or "target".
  std::string name;
  std::optional<ir::ScalarType> dtype;  ///< element type of a .bin file
  /// Shape of one row of a .bin file; empty: a scalar.
  std::vector<int64_t> shape;
  /// If set, rows are windows of a 1-D sequence, this many elements long.
  std::optional<int64_t> window;
  int64_t shift = 0;  ///< elements skipped before the first window
  /// Elements between the starts of two windows; nullopt: `window`.
  std::optional<int64_t> stride;
  /// The dimension along which samples lie; nullopt: there is none, and every
  /// microbatch gets the whole tensor.
  std::optional<int64_t> split_dim = 0;
  /// Files with the rows' lengths; empty: all rows have one length.
  std::filesystem::path lengths;
  /// Padding value; nullopt: 0, or kIgnoreIndex in a target.
  std::optional<double> pad;
  /// Lengths to pad to; empty: the batch's longest row.
  std::vector<int64_t> pad_to;
  std::string mask;  ///< instead of `path`: the padded input whose mask this is
  bool operator==(const SourceConfig&) const = default;
};

/// `[data]` and `eval.data`. If the table is absent, `inputs` is empty.
struct DataConfig {
  int64_t batch_size = 0;  ///< rows per step, over all replicas
  /// load_job() clears it in `eval.data` and in inference.
  bool shuffle = true;
  bool drop_last = false;
  std::map<std::string, SourceConfig> inputs;  ///< by name of the model's input
  std::optional<SourceConfig> target;
  bool operator==(const DataConfig&) const = default;
};

/// `train.early_stop`: ends the training when evaluations no longer improve.
struct EarlyStop {
  EvalMetric metric = EvalMetric::Loss;
  /// Number of evaluations in a row without an improvement that end the
  /// training.
  int64_t patience = 3;
  /// An improvement is better than the best value by more than this.
  double min_delta = 0;
  bool operator==(const EarlyStop&) const = default;
};

/// `[train]`. Exactly one of `steps` and `epochs` is set.
struct TrainConfig {
  std::optional<int64_t> steps;
  std::optional<int64_t> epochs;
  int64_t accumulate = 1;  ///< pipeline steps per update
  LossConfig loss;
  OptimizerConfig optimizer;
  std::vector<std::string> freeze;  ///< patterns of parameters to freeze
  LrSchedule lr_schedule;
  std::optional<double> clip_grad_norm;
  Precision precision = Precision::Float32;
  OnNan on_nan = OnNan::Stop;
  uint64_t seed = 0;
  /// Whether the job asks for a seed from the clock: see settle_seed()
  /// (runtime/run/clock_seed.h), which then sets `seed`.
  bool seed_from_clock = false;
  /// Longest time that one start of the job trains.
  std::optional<std::chrono::milliseconds> max_time;
  std::optional<EarlyStop> early_stop;
  bool operator==(const TrainConfig&) const = default;
};

struct EvalConfig {
  /// Steps between evaluations; nullopt: only at the end.
  std::optional<int64_t> every;
  DataConfig data;  ///< its batch_size defaults to that of [data]
  /// The numbers to compute besides the loss.
  std::vector<EvalMetric> metrics;
  bool operator==(const EvalConfig&) const = default;
};

/// The floating-point type of exported weights.
enum class ExportDtype { Float32, BFloat16, Float16 };

constexpr auto enum_names(ExportDtype) {
  return std::array<EnumName<ExportDtype>, 3>{
      {{ExportDtype::Float32, "float32"},
       {ExportDtype::BFloat16, "bfloat16"},
       {ExportDtype::Float16, "float16"}}};
}

enum class Join { Dimension, Mean, Sum, Stack, Same };

/// The joins that have a name; Join::Dimension is written as a number.
constexpr auto enum_names(Join) {
  return std::array<EnumName<Join>, 4>{
      {{Join::Mean, "mean"},
       {Join::Sum, "sum"},
       {Join::Stack, "stack"},
       {Join::Same, "same"}}};
}

enum class Reduce { None, Argmax, Last };

constexpr auto enum_names(Reduce) {
  return std::array<EnumName<Reduce>, 2>{
      {{Reduce::Argmax, "argmax"}, {Reduce::Last, "last"}}};
}

/// How the microbatches' values of one output are joined.
struct OutputRule {
  /// nullopt: tensors are joined along dimension 0, scalars are averaged.
  std::optional<Join> join = {};
  int64_t dimension = 0;  ///< used with Join::Dimension
  Reduce reduce = Reduce::None;
  bool operator==(const OutputRule&) const = default;
};

struct OutputConfig {
  std::filesystem::path dir;
  /// Steps between checkpoints; nullopt: only at the end.
  std::optional<int64_t> checkpoint_every;
  int keep = 3;  ///< number of newest checkpoints to keep
  /// The number by which the best evaluated checkpoint is chosen, which is kept
  /// besides; nullopt: none is.
  std::optional<EvalMetric> keep_best;
  /// The type in which the end of a training writes the weights alone; nullopt:
  /// it doesn't.
  std::optional<ExportDtype> export_dtype;
  /// Whether a run saves its work when a signal stops it: training saves a
  /// checkpoint, inference the finished rows.
  bool save_on_interrupt = true;
  std::chrono::milliseconds interrupt_timeout = std::chrono::seconds(20);
  bool trace = false;
  /// Names of the outputs to save; nullopt: inference saves every output,
  /// training saves none.
  std::optional<std::vector<std::string>> save;
  std::map<std::string, OutputRule> outputs;
  bool operator==(const OutputConfig&) const = default;
};

/// A job as the user wrote it.
struct WrittenJob {
  /// The value of each key ("train.steps": "10"), which ranks compare. Settings
  /// that may differ between hosts are left out: folders, threads, launcher.
  std::map<std::string, std::string> values;
  /// The place of each key ("train.steps": "job.toml:12:1: "), for messages.
  /// The items of a list are keys too ("split.at.0").
  std::map<std::string, std::string> places;

  /// Returns the place of the first of these keys that the job sets; empty if
  /// it sets none of them.
  std::string place_of(std::initializer_list<std::string_view> keys) const;

  /// Always true, so that comparing two jobs ignores how they were
  /// written.
  bool operator==(const WrittenJob&) const { return true; }
};

struct Job {
  std::filesystem::path file;  ///< empty if the job wasn't read from a file
  WrittenJob written;
  ModelConfig model;
  SplitSpec split;  ///< by default the model is one stage
  PipelineConfig pipeline;
  ParallelConfig parallel;
  DataConfig data;
  std::optional<TrainConfig> train;  ///< nullopt: the job infers
  std::optional<EvalConfig> eval;
  OutputConfig output;
  SecurityConfig security;

  bool has_data() const { return !data.inputs.empty(); }
  uint64_t seed() const { return train ? train->seed : 0; }
  bool operator==(const Job&) const = default;
};

/// Reads a job file, and checks it against the table of keys and for
/// consistency. Opens no file that the job names. Relative paths, which start
/// from the job file's folder, become absolute.
///
/// overrides  the `--set` arguments, such as "train.steps=10". The value is
///            TOML if it is valid TOML ('10', '[1, 2]', '"x"'), otherwise a
///            string
/// throws     Error(Input): the file can't be read; Error(Usage): the job is
///            wrong; the message begins with the place, "job.toml:12:5: ..." or
///            "--set train.steps=x: ..."
Job load_job(
    const std::filesystem::path& path,
    const std::vector<std::string>& overrides = {});

/// Parses the text of a job file.
///
/// name    the file's name in messages
/// folder  the folder from which relative paths start
Job parse_job(
    std::string_view text,
    const std::string& name,
    const std::filesystem::path& folder,
    const std::vector<std::string>& overrides = {});

/// Returns the folder in which `pp run DIR` writes by default: `runs/NAME` in
/// the working directory.
std::filesystem::path default_output(
    const std::filesystem::path& stage_directory);

/// Returns the folder that `--checkpoint` names for a stage directory: "latest"
/// is default_output().
std::filesystem::path named_checkpoint(
    const std::string& text, const std::filesystem::path& stage_directory);

/// Returns the job of `pp run DIR`: the stage directory DIR, and defaults for
/// everything else. Relative paths start from the working directory.
Job job_for_stages(
    const std::filesystem::path& stage_directory,
    const std::vector<std::string>& overrides = {});

}  // namespace pp
