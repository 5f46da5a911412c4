#include "runtime/run/verify.h"

#include <algorithm>
#include <exception>
#include <memory>

#include <ATen/ops/roll.h>
#include <ATen/ops/scalar_tensor.h>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "runtime/measure/sample_inputs.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/plan_schedule.h"
#include "runtime/plan/rank_count.h"
#include "runtime/program/in_double.h"
#include "runtime/run/compare_tensors.h"
#include "runtime/run/verify_run.h"
#include "splitter/files/artifact.h"

namespace pp {

namespace {

/// Sets the shapes of inputs that were unknown when the model was split.
void set_inputs(Manifest& manifest, const InputHints& hints) {
  for (ModelInput& input : manifest.inputs) {
    if (const auto hint = hints.find(input.name); hint != hints.end()) {
      input.tensor = hint->second;
    }
  }
}

/// The inputs' types and sizes that the split knows or the user states, for a
/// merged file that lacks them.
InputHints input_hints(const Manifest& manifest, const InputHints& given) {
  if (manifest.format != ModelFormat::TorchScript) {
    return given;
  }
  InputHints hints = given;
  for (const ModelInput& input : manifest.inputs) {
    if (input.type.kind == ir::TypeKind::Tensor && input.tensor.known) {
      hints.emplace(input.name, input.tensor);
    }
  }
  return hints;
}

/// The integer and bool inputs that a model was exported with. Random ones
/// could be invalid: tokens outside the vocabulary, or a mask of zeros.
UserInputs exported_integers(const Model& model) {
  UserInputs integers;
  const std::vector<c10::IValue> samples = sample_arguments(model);
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].isTensor() &&
        c10::isIntegralType(samples[i].toTensor().scalar_type(), true)) {
      integers.emplace(model.graph.inputs[i].name, samples[i].toTensor());
    }
  }
  return integers;
}

/// Permutes the numbers for each microbatch: tokens and indices within a row, a
/// mask (of 0 and 1) by rows. Ascending numbers (offsets of bags, ends of
/// sequences) stay, because their order has a meaning.
at::Tensor rolled(const at::Tensor& sample, int microbatch) {
  if (sample.dim() == 0 || sample.numel() < 2) {
    return sample;
  }
  const at::Tensor numbers = sample.to(at::kLong);
  const bool is_mask = numbers.abs().max().item<int64_t>() <= 1;
  if (sample.dim() == 1 && !is_mask &&
      numbers.diff().ge(0).all().item<bool>()) {
    return sample;
  }
  return at::roll(numbers, {microbatch}, {is_mask ? 0 : -1})
      .to(sample.scalar_type());
}

std::vector<UserInputs> draw_inputs(
    const Manifest& manifest, const UserInputs& integers, int count) {
  std::vector<UserInputs> all;
  for (int microbatch = 0; microbatch < count; ++microbatch) {
    UserInputs inputs;
    uint64_t number = 0;
    for (const ModelInput& input : manifest.inputs) {
      if (input.type.kind == ir::TypeKind::Tensor && !input.tensor.known) {
        throw usage_error(
            "the model is TorchScript and doesn't state the shape and type of "
            "its input '" +
            input.name + "', so pp can't make up values for it; give --input " +
            input.name + "=4x32 (float32) or --input " + input.name +
            "=4x32:int64");
      }
      if (input.type.kind != ir::TypeKind::Tensor) {
        continue;
      }
      const uint64_t seed =
          kVerifySeed + 1000 * static_cast<uint64_t>(microbatch) + number++;
      const auto sample = integers.find(input.name);
      inputs.emplace(
          input.name,
          sample == integers.end() ? draw_tensor(input.tensor, seed)
                                   : rolled(sample->second, microbatch));
    }
    all.push_back(std::move(inputs));
  }
  return all;
}

/// Whether the first stage sums gradients from the last microbatch to the
/// first.
bool sums_in_descending_order(const Schedule& schedule) {
  int first = -1;
  int last = -1;
  for (const Action& action : schedule.ranks[schedule.stage_to_rank[0]]) {
    if (action.stage == 0 && (action.kind == ActionKind::FullBackward ||
                              action.kind == ActionKind::BackwardWeight)) {
      first = first < 0 ? action.microbatch : first;
      last = action.microbatch;
    }
  }
  return first > last;
}

at::Tensor total(const std::map<int, double>& losses) {
  double sum = 0;
  for (const auto& [microbatch, loss] : losses) {
    sum += loss;
  }
  return at::scalar_tensor(sum, at::TensorOptions(at::kDouble));
}

/// A merged copy of a stage directory, removed by the destructor.
class MergedCopy {
 public:
  MergedCopy(const std::filesystem::path& directory, const Trust& trust)
      : path_(verify_scratch_file()) {
    merge(directory, std::nullopt, path_, model_formats(trust));
  }
  ~MergedCopy() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  MergedCopy(const MergedCopy&) = delete;
  MergedCopy& operator=(const MergedCopy&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The two sides of the comparison and what both are run on.
struct Sides {
  std::unique_ptr<MergedCopy> merged;
  PipelineSource pipeline;
  PipelineSource unsplit;
  std::vector<UserInputs> inputs;  ///< by microbatch
  WantedOutputs wanted;

  int num_stages() const { return static_cast<int>(pipeline.stages.size()); }
};

/// Opens the pipeline. Returns the path of its unsplit model; empty for stages
/// that were exported by hand, which have none.
std::filesystem::path open_split(const VerifyOptions& options, Sides& sides) {
  if (!std::filesystem::is_directory(options.path)) {
    sides.pipeline = cut_model(
        load_model(options.path, {.inputs = options.inputs}, options.trust),
        options.split);
    return options.path;
  }
  ModelConfig config;
  config.stages = options.path;
  sides.pipeline =
      open_pipeline(config, {}, std::nullopt, {}, Stages::All, options.trust);
  set_inputs(sides.pipeline.manifest, options.inputs);
  if (sides.pipeline.manifest.is_assembled()) {
    return {};
  }
  sides.merged = std::make_unique<MergedCopy>(options.path, options.trust);
  return sides.merged->path();
}

Sides open_sides(const VerifyOptions& options) {
  Sides sides;
  const std::filesystem::path model_path = open_split(options, sides);
  UserInputs integers;
  if (model_path.empty()) {
    sides.unsplit = sides.pipeline;  // its stages run one after the other
  } else {
    Model model = load_model(
        model_path,
        {.inputs = input_hints(sides.pipeline.manifest, options.inputs)},
        options.trust);
    integers = exported_integers(model);
    sides.unsplit = cut_model(std::move(model), {});
  }
  for (const ModelOutput& output : sides.pipeline.manifest.outputs) {
    if (output.type.kind == ir::TypeKind::Tensor) {
      sides.wanted.insert(output.name);
    }
  }
  sides.inputs =
      draw_inputs(sides.pipeline.manifest, integers, options.microbatches);
  return sides;
}

std::vector<VerifyRow> compare_results(
    const VerifyResults& expected, const VerifyResults& actual) {
  std::vector<VerifyRow> rows;
  compare_tensors("output", expected.outputs, actual.outputs, rows);
  compare_tensors(
      "loss",
      {{"loss", total(expected.losses)}},
      {{"loss", total(actual.losses)}},
      rows);
  compare_tensors("gradient", expected.gradients, actual.gradients, rows);
  compare_tensors("buffer", expected.buffers, actual.buffers, rows);
  return rows;
}

std::vector<UserInputs> inputs_in_double(std::vector<UserInputs> inputs) {
  for (UserInputs& each : inputs) {
    for (auto& [name, value] : each) {
      value = in_double(value);
    }
  }
  return inputs;
}

/// Says why a model has no equivalent in double precision; empty if it has one.
std::string why_not_in_double(const PipelineSource& source) {
  for (const StageSource& stage : source.stages) {
    std::string found = obstacle_to_double(stage.graph);
    if (!found.empty()) {
      return found;
    }
  }
  return "";
}

/// Warns about a schedule that has fewer ranks than it is made for.
void warn_of_misfit(const Sides& sides, const VerifyOptions& options) {
  PipelineConfig pipeline;
  pipeline.schedule = options.schedule;
  const std::string misfit = schedule_misfit(
      pipeline,
      default_ranks(options.schedule, sides.num_stages()),
      sides.num_stages(),
      false);
  if (!misfit.empty()) {
    options.log.warning(misfit);
  }
}

/// Runs both sides and compares them.
std::vector<VerifyRow> compare_sides(
    const Sides& sides, const VerifyOptions& options, bool in_double) {
  const Schedule schedule = plan_schedule(
      options.schedule,
      default_ranks(options.schedule, sides.num_stages()),
      sides.num_stages(),
      options.microbatches,
      options.forward_only);
  // The order in which gradients are summed decides their last bits.
  const Schedule reference = plan_schedule(
      sums_in_descending_order(schedule) ? "LoopedBFS" : "GPipe",
      1,
      static_cast<int>(sides.unsplit.stages.size()),
      options.microbatches,
      options.forward_only);
  const std::vector<UserInputs> inputs =
      in_double ? inputs_in_double(sides.inputs) : sides.inputs;
  const VerifyResults expected = run_for_verify(
      sides.unsplit, reference, inputs, sides.wanted, options, in_double);
  const VerifyResults actual = run_for_verify(
      sides.pipeline, schedule, inputs, sides.wanted, options, in_double);
  return compare_results(expected, actual);
}

/// Compares the rows above the tolerance in double precision as well.
void judge_in_double(
    VerifyReport& report, const Sides& sides, const VerifyOptions& options) {
  report.not_in_double = why_not_in_double(sides.unsplit);
  if (!report.not_in_double.empty()) {
    return;
  }
  std::vector<VerifyRow> rows;
  try {
    rows = compare_sides(sides, options, /*in_double=*/true);
  } catch (const std::exception& error) {
    report.not_in_double = error.what();
    return;
  }
  for (VerifyRow& row : report.rows) {
    const auto found =
        std::ranges::find_if(rows, [&](const VerifyRow& candidate) {
          return candidate.kind == row.kind && candidate.name == row.name;
        });
    if (!report.is_right(row) && found != rows.end()) {
      row.error_in_double = found->error;
    }
  }
}

}  // namespace

std::filesystem::path verify_scratch_file() {
  return std::filesystem::temp_directory_path() /
         ("pp_verify_" + std::to_string(::getpid()) + ".pt2");
}

VerifyReport verify(const VerifyOptions& options) {
  const Sides sides = open_sides(options);
  warn_of_misfit(sides, options);
  VerifyReport report;
  report.num_stages = sides.num_stages();
  report.tolerance = options.tolerance;
  report.rows = compare_sides(sides, options, /*in_double=*/false);
  const auto all_are_right = [&] {
    return std::ranges::all_of(report.rows, [&](const VerifyRow& row) {
      return options.exact ? row.equal_bits : report.is_right(row);
    });
  };
  report.passed = all_are_right();
  if (!report.passed && !options.exact) {
    judge_in_double(report, sides, options);
    report.passed = all_are_right();
  }
  return report;
}

}  // namespace pp
