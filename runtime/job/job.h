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

/// `[model]`: what runs. One of `path` and `stages` is set.
struct ModelConfig {
  std::filesystem::path path;    ///< a saved full model
  std::filesystem::path stages;  ///< a stage directory
  /// Stages exported by hand, in order. Set instead of `stages`.
  std::vector<std::filesystem::path> stage_files;
  Mode mode = Mode::Exported;
  /// Safetensors files whose tensors replace parameters and buffers; the last
  /// part of the path may hold `*` and `?`.
  std::optional<std::filesystem::path> weights;
  std::optional<std::filesystem::path> checkpoint;
  bool operator==(const ModelConfig&) const = default;
};

/// Permissions of files to do more than compute.
struct SecurityConfig {
  /// Operators that models may call in addition to the allowed ones:
  /// "aten::from_file".
  std::vector<std::string> allow;
  bool trust_script = false;  ///< see Trust::script_code
  bool sandbox = true;        ///< on the CPU; see enter_sandbox
  bool operator==(const SecurityConfig&) const = default;
};

struct PipelineConfig {
  std::string schedule = "1F1B";    ///< a name, or the path of a .csv
  std::optional<int> microbatches;  ///< see plan_batch (runtime/data/batch.h)
  std::optional<int> ranks;         ///< none: see rank_count (runtime/plan/)
  std::optional<int> stages_per_rank;  ///< none: the schedule's own
  std::vector<int> rank_map;           ///< by stage; empty: the schedule's own
  std::optional<LauncherKind> launcher;  ///< none: "auto"
  TransportKind transport = TransportKind::Auto;
  int threads_per_rank = 1;
  DeviceChoice device;
  bool cuda_graphs = false;  ///< capture passes on a device and replay them
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
  int zero = 0;  ///< 1: replicas share the optimizer's state
  /// Fastest first.
  std::vector<MeshDimension> order = {
      MeshDimension::Pipeline, MeshDimension::Replica};
  bool operator==(const ParallelConfig&) const = default;
};

/// The element types of a .bin.
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

/// The source of one input. docs/job-file.md describes the formats.
struct SourceConfig {
  /// Absolute; the last part may hold `*` and `?`.
  std::filesystem::path path;
  std::string key;  ///< the tensor in a .safetensors or .pt; may be empty
  std::optional<ir::ScalarType> dtype;  ///< element type of a .bin
  std::vector<int64_t> shape;     ///< of one row of a .bin; empty: a scalar
  std::optional<int64_t> window;  ///< rows are windows of a 1-D sequence
  int64_t shift = 0;              ///< elements skipped before the first window
  std::optional<int64_t> stride;  ///< between windows' starts; none: `window`
  /// The dimension that counts samples; nullopt: there is none, and every
  /// microbatch gets the whole tensor.
  std::optional<int64_t> split_dim = 0;
  std::filesystem::path lengths;  ///< as `path`; empty: rows have one length
  std::optional<double> pad;      ///< none: 0; a target: kIgnoreIndex
  std::vector<int64_t> pad_to;    ///< one length or buckets; empty: the batch's
  std::string mask;               ///< replaces `path`: the padded input to mask
  bool operator==(const SourceConfig&) const = default;
};

/// `[data]` and `eval.data`. If the table is absent, `inputs` is empty.
struct DataConfig {
  int64_t batch_size = 0;  ///< rows per step, over all replicas
  bool shuffle = true;     ///< load_job: false in `eval.data` and in inference
  bool drop_last = false;
  std::map<std::string, SourceConfig> inputs;  ///< by the model's input name
  std::optional<SourceConfig> target;
  bool operator==(const DataConfig&) const = default;
};

/// `[train]`. One of `steps` and `epochs` is set.
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
  bool operator==(const TrainConfig&) const = default;
};

struct EvalConfig {
  std::optional<int64_t> every;  ///< steps; none: at the end only
  DataConfig data;               ///< batch_size defaults to that of [data]
  bool operator==(const EvalConfig&) const = default;
};

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
  /// None: dimension 0, or the mean if the output is a scalar.
  std::optional<Join> join = {};
  int64_t dimension = 0;  ///< Join::Dimension
  Reduce reduce = Reduce::None;
  bool operator==(const OutputRule&) const = default;
};

struct OutputConfig {
  std::filesystem::path dir;
  std::optional<int64_t> checkpoint_every;  ///< steps; none: at the end only
  int keep = 3;  ///< number of newest checkpoints to keep
  /// Whether a training run that is asked to stop saves a checkpoint first.
  bool save_on_interrupt = true;
  std::chrono::milliseconds interrupt_timeout = std::chrono::seconds(20);
  bool trace = false;
  /// None: inference saves every output, training saves none.
  std::optional<std::vector<std::string>> save;
  std::map<std::string, OutputRule> outputs;
  bool operator==(const OutputConfig&) const = default;
};

/// A job as it was written.
struct WrittenJob {
  /// The values ("train.steps": "10"), for ranks to compare. Settings that may
  /// differ between hosts are left out: folders, threads, launcher.
  std::map<std::string, std::string> values;
  /// The places of keys ("train.steps": "job.toml:12:1: "), for messages.
  /// The items of a list are keys too ("split.at.0").
  std::map<std::string, std::string> places;

  /// The place of the first of these keys that the job sets; empty if it sets
  /// none.
  std::string place_of(std::initializer_list<std::string_view> keys) const;

  /// Two jobs that mean the same are equal, however they are written.
  bool operator==(const WrittenJob&) const { return true; }
};

struct Job {
  std::filesystem::path file;  ///< empty: not from a file
  WrittenJob written;
  ModelConfig model;
  SplitSpec split;  ///< all defaults: the model is one stage
  PipelineConfig pipeline;
  ParallelConfig parallel;
  DataConfig data;
  std::optional<TrainConfig> train;  ///< none: inference
  std::optional<EvalConfig> eval;
  OutputConfig output;
  SecurityConfig security;

  bool has_data() const { return !data.inputs.empty(); }
  uint64_t seed() const { return train ? train->seed : 0; }
  bool operator==(const Job&) const = default;
};

/// Reads a job file and checks it against the table of keys and for
/// consistency; nothing it names is opened. Relative paths become absolute:
/// they are relative to the job file.
///
/// overrides  `--set` arguments, "train.steps=10": the value as TOML where it
///            is valid TOML ('10', '[1, 2]', '"x"'), else a string
/// throws     Error(Input): the file can't be read; Error(Usage):
///            "job.toml:12:5: ..." or "--set train.steps=x: ..."
Job load_job(
    const std::filesystem::path& path,
    const std::vector<std::string>& overrides = {});

/// Parses the text of a job file.
///
/// name    the file's name in messages
/// folder  start of relative paths
Job parse_job(
    std::string_view text,
    const std::string& name,
    const std::filesystem::path& folder,
    const std::vector<std::string>& overrides = {});

/// The job of `pp run DIR`: this stage directory and defaults. Relative paths
/// start from the working directory.
Job job_for_stages(
    const std::filesystem::path& stage_directory,
    const std::vector<std::string>& overrides = {});

}  // namespace pp
