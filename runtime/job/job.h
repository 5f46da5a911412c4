#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pp {

// A job file as plain data. The members mirror the TOML keys; docs/job-file.md
// describes each, schema.cpp is the table that both follow. A key that is not
// yet supported has no member.

/// `[model]`: what runs. One of `path` and `stages` is set.
struct ModelConfig {
  std::filesystem::path path;    ///< a saved full model
  std::filesystem::path stages;  ///< a stage directory
  /// Stages exported by hand, in order; in place of `stages`.
  std::vector<std::filesystem::path> stage_files;
  std::string mode = "exported";  ///< "exported", "train", "eval"
  /// Safetensors files to take parameters and buffers from; the last part may
  /// hold `*` and `?`.
  std::optional<std::filesystem::path> weights;
  std::optional<std::filesystem::path> checkpoint;
  bool operator==(const ModelConfig&) const = default;
};

/// `[split]`: where `model.path` is cut. At most one of `at` and `stages` is
/// set; neither: the model is one stage.
struct SplitConfig {
  std::vector<std::string> at;  ///< "layers.2", "layers.3:end"
  std::optional<int> stages;
  std::string balance = "params";  ///< "params", "flops", "time", "memory"
  bool markers = false;            ///< cut where the graph has markers
  std::string tied = "replicate";  ///< "replicate", "transmit"
  bool operator==(const SplitConfig&) const = default;
};

struct PipelineConfig {
  std::string schedule = "1F1B";    ///< a name, or the path of a .csv
  std::optional<int> microbatches;  ///< see plan_batch (runtime/data/batch.h)
  std::optional<int> ranks;         ///< none: see rank_count (runtime/run/)
  std::optional<int> stages_per_rank;  ///< none: the schedule's own
  std::vector<int> rank_map;           ///< by stage; empty: the schedule's own
  std::string launcher = "auto";       ///< "auto", "local", "processes", "env"
  std::string transport = "auto";      ///< "auto", "gloo"
  int threads_per_rank = 1;
  std::string device = "cpu";               ///< "cuda": round robin; "cuda:1"
  bool cuda_graphs = false;                 ///< replayed on a device
  double stall_timeout = 60;                ///< seconds
  bool recompute_stages = false;            ///< `recompute = true`
  std::vector<std::string> recompute = {};  ///< or patterns of modules
  bool operator==(const PipelineConfig&) const = default;
};

struct ParallelConfig {
  int replicas = 1;
  int zero = 0;  ///< 1: replicas share out the optimizer's state
  std::vector<std::string> order = {"pipeline", "replica"};  ///< fastest first
  bool operator==(const ParallelConfig&) const = default;
};

/// Where one input's values come from. docs/job-file.md has the formats.
struct SourceConfig {
  std::string path;   ///< absolute; the last part may hold `*` and `?`
  std::string key;    ///< the tensor in a .safetensors or .pt; may be empty
  std::string dtype;  ///< of a .bin: "uint16"
  std::vector<int64_t> shape;     ///< of one row of a .bin; empty: a scalar
  std::optional<int64_t> window;  ///< rows are windows of a 1-D sequence
  int64_t shift = 0;              ///< elements skipped before the first window
  std::optional<int64_t> stride;  ///< from window to window; none: `window`
  /// The dimension that counts samples; none: no such dimension, every
  /// microbatch gets the whole tensor.
  std::optional<int64_t> split_dim = 0;
  std::string lengths;          ///< absolute, as `path`; empty: rows are alike
  std::optional<double> pad;    ///< none: 0, a target's -100
  std::vector<int64_t> pad_to;  ///< one length or buckets; empty: the batch's
  std::string mask;             ///< instead of a path: an input with lengths
  bool operator==(const SourceConfig&) const = default;
};

/// `[data]`, and `eval.data`. Absent: `inputs` is empty.
struct DataConfig {
  int64_t batch_size = 0;  ///< rows a step, over all replicas
  bool shuffle = true;     ///< load_job: false in `eval.data` and in inference
  bool drop_last = false;
  std::map<std::string, SourceConfig> inputs;  ///< by the model's input name
  std::optional<SourceConfig> target;
  bool operator==(const DataConfig&) const = default;
};

/// One of three: `name` (a built-in loss of `output` and the target), `output`
/// alone (the graph computes its loss), `path` (a loss graph of its own).
struct LossConfig {
  std::string name;    ///< "cross_entropy", "mse", ...; may be empty
  std::string output;  ///< empty: the model's only floating output
  std::filesystem::path path;
  bool operator==(const LossConfig&) const = default;
};

using OptimizerOption = std::variant<double, bool, std::vector<double>>;
/// Only those given, by torch's names: "lr", "betas", ...
using OptimizerOptionMap = std::map<std::string, OptimizerOption>;

struct OptimizerConfig {
  std::string name;  ///< "sgd", "adam", "adamw"
  OptimizerOptionMap options;
  bool operator==(const OptimizerConfig&) const = default;
};

/// Other options for the parameters whose FQN matches.
struct GroupConfig {
  std::string match;  ///< with `*` and `?`
  OptimizerOptionMap options;
  bool operator==(const GroupConfig&) const = default;
};

struct LrScheduleConfig {
  std::string name = "constant";  ///< "constant", "linear", "cosine"
  int64_t warmup = 0;             ///< steps
  double min_lr = 0;              ///< where linear and cosine end
  bool operator==(const LrScheduleConfig&) const = default;
};

/// `[train]`. One of `steps` and `epochs` is set.
struct TrainConfig {
  std::optional<int64_t> steps;
  std::optional<int64_t> epochs;
  int64_t accumulate = 1;  ///< pipeline steps an update
  LossConfig loss;
  OptimizerConfig optimizer;
  std::vector<GroupConfig> groups;  ///< the first that matches holds
  std::vector<std::string> freeze;  ///< patterns of what is not trained
  LrScheduleConfig lr_schedule;
  std::optional<double> clip_grad_norm;
  std::string precision = "fp32";  ///< "fp32", "bf16"
  uint64_t seed = 0;
  bool operator==(const TrainConfig&) const = default;
};

struct EvalConfig {
  std::optional<int64_t> every;  ///< steps; none: at the end only
  DataConfig data;               ///< its batch_size is filled in from [data]
  bool operator==(const EvalConfig&) const = default;
};

enum class Join { Dimension, Mean, Sum, Stack, Same };
enum class Reduce { None, Argmax, Last };

/// How the microbatches' values of one output become one tensor.
struct OutputRule {
  /// None: dimension 0, or the mean where the output is a scalar.
  std::optional<Join> join = {};
  int64_t dimension = 0;  ///< Join::Dimension
  Reduce reduce = Reduce::None;
  bool operator==(const OutputRule&) const = default;
};

struct OutputConfig {
  std::filesystem::path dir;
  std::optional<int64_t> checkpoint_every;  ///< steps; none: at the end only
  int keep = 3;                             ///< newest checkpoints that stay
  bool trace = false;
  /// None: inference saves every output, training none.
  std::optional<std::vector<std::string>> save;
  std::map<std::string, OutputRule> outputs;
  bool operator==(const OutputConfig&) const = default;
};

/// A job as it was written, "train.steps" to "10", for ranks to compare: what
/// may differ from host to host (folders, threads, launcher) is left out.
struct WrittenJob {
  std::map<std::string, std::string> values;
  /// Two jobs that mean the same are equal, however they are written.
  bool operator==(const WrittenJob&) const { return true; }
};

struct Job {
  std::filesystem::path file;  ///< empty: not from a file
  WrittenJob written;
  ModelConfig model;
  SplitConfig split;
  PipelineConfig pipeline;
  ParallelConfig parallel;
  DataConfig data;
  std::optional<TrainConfig> train;  ///< none: inference
  std::optional<EvalConfig> eval;
  OutputConfig output;

  bool has_data() const { return !data.inputs.empty(); }
  uint64_t seed() const { return train ? train->seed : 0; }
  bool operator==(const Job&) const = default;
};

/// Reads a job file and checks it against the table of keys and for
/// consistency; nothing it names is opened. Relative paths become absolute:
/// they are relative to the job file.
///
/// overrides  `--set` arguments, "train.steps=10": the value as TOML where it
///            is TOML ('10', '[1, 2]', '"x"'), else as a string
/// throws     Error(Input): the file can't be read; Error(Usage):
///            "job.toml:12:5: ..." or "--set train.steps=x: ..."
Job load_job(
    const std::filesystem::path& path,
    const std::vector<std::string>& overrides = {});

/// The same of a text. `name` stands for the file in messages; `folder` is
/// what relative paths start from.
Job parse_job(
    std::string_view text,
    const std::string& name,
    const std::filesystem::path& folder,
    const std::vector<std::string>& overrides = {});

/// The job `pp run DIR` means: this stage directory, everything else by
/// default, relative paths from the working directory.
Job job_for_stages(
    const std::filesystem::path& stage_directory,
    const std::vector<std::string>& overrides = {});

}  // namespace pp
