#include "runtime/run/verify.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/view_as_real.h>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/launch.h"
#include "runtime/measure/sample_inputs.h"
#include "runtime/run/counted.h"
#include "runtime/run/gradients.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_count.h"
#include "runtime/run/rank_stages.h"
#include "splitter/artifact.h"

namespace pp {

namespace {

constexpr uint64_t kSeed = 0;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What one run of a pipeline leaves, by name.
struct Results {
  std::map<std::string, at::Tensor> outputs;  ///< "logits, microbatch 0"
  std::map<std::string, at::Tensor> gradients;
  std::map<std::string, at::Tensor> buffers;
  std::map<int, double> losses;
};

/// The inputs of stages that were split without knowing them.
void say_inputs(Manifest& manifest, const InputHints& hints) {
  for (ModelInput& input : manifest.inputs) {
    if (const auto hint = hints.find(input.name); hint != hints.end()) {
      input.tensor = hint->second;
    }
  }
}

/// The whole numbers and truth values among the inputs that a model was
/// exported with. Made up, they could be nonsense: tokens that there are not, a
/// mask that leaves nothing to attend to.
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

/// The same numbers in another order for each microbatch: tokens and indices
/// by place, but a mask (of 0 and 1) row by row. Ascending ones (the offsets of
/// bags, the ends of sequences) mean something in their order only.
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
            "the model does not say what its input '" + input.name +
            "' is like (a scripted module), so no input can be made up; say it "
            "with --input " +
            input.name + "=4x32, or =4x32:int64");
      }
      if (input.type.kind != ir::TypeKind::Tensor) {
        continue;
      }
      const uint64_t seed =
          kSeed + 1000 * static_cast<uint64_t>(microbatch) + number++;
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

/// The sum over floating outputs of their mean after a fixed random weighting,
/// so that every entry's gradient differs.
at::Tensor projected_loss(const std::map<std::string, at::Tensor>& outputs) {
  at::Tensor loss;
  for (const auto& [name, value] : outputs) {
    if (!value.is_floating_point()) {
      continue;
    }
    auto generator = at::make_generator<at::CPUGeneratorImpl>(kSeed + 7);
    const at::Tensor weight = at::randn(
        value.sizes(), generator, at::TensorOptions(value.scalar_type()));
    const at::Tensor term = value.mul(weight).mean();
    loss = loss.defined() ? loss.add(term) : term;
  }
  return loss.defined() ? loss : at::scalar_tensor(0.0);
}

void collect_states(RankStages& stages, std::mutex& mutex, Results& results) {
  const std::lock_guard lock(mutex);
  for (auto& [index, stage] : stages.stages()) {
    for (const StageState& state : stage.states()) {
      if (state.tensor.requires_grad() && state.tensor.grad().defined()) {
        results.gradients.emplace(state.fqn, state.tensor.grad());
      } else if (state.kind == ir::StateKind::Buffer) {
        results.buffers.emplace(state.fqn, state.tensor);
      }
    }
  }
}

/// Whether the first stage adds up gradients from the last microbatch on.
bool adds_up_descending(const Schedule& schedule) {
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

Results run_pipeline(
    const PipelineSource& source,
    const Schedule& schedule,
    const std::vector<UserInputs>& inputs,
    const WantedOutputs& wanted,
    const VerifyOptions& options) {
  Results results;
  std::mutex mutex;
  LaunchOptions launch;
  launch.log = options.log;
  const int num_ranks = static_cast<int>(schedule.ranks.size());
  const auto count = static_cast<double>(inputs.size());
  launch.stall_timeout = std::chrono::minutes(10);
  launch_local(num_ranks, launch, [&](RankContext& context) {
    RankStages stages(
        source,
        stages_of(schedule.stage_to_rank, context.rank),
        {.wanted = wanted, .trainable = !options.forward_only});
    Executor executor(context, schedule, stages.pointers());
    StepInputs step;
    step.pass = options.forward_only ? Pass::Infer : Pass::Train;
    step.seed = kSeed;
    step.user_inputs = [&](int microbatch) -> const UserInputs& {
      return inputs[microbatch];
    };
    step.on_outputs = [&](int microbatch, const auto& outputs) {
      const at::Tensor loss = projected_loss(outputs).div(count);
      const std::lock_guard lock(mutex);
      for (const auto& [name, value] : outputs) {
        results.outputs.emplace(
            name + ", microbatch " + std::to_string(microbatch),
            value.detach());
      }
      results.losses[microbatch] = loss.template item<double>();
      return options.forward_only ? at::Tensor() : loss;
    };
    executor.run(step);
    if (!options.forward_only) {
      sum_tied_gradients(
          context,
          source.manifest,
          schedule.stage_to_rank,
          trainable_parameters(stages.stages()));
    }
    collect_states(stages, mutex, results);
  });
  return results;
}

at::Tensor as_double(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach();
  return (plain.is_complex() ? at::view_as_real(plain.resolve_conj()) : plain)
      .to(at::kDouble);
}

/// Of the numbers in it, NaN left out.
double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? 0
                             : as_double(tensor)
                                   .abs()
                                   .nan_to_num(0, kInfinity, kInfinity)
                                   .max()
                                   .item<double>();
}

/// Of a and b, of one shape, both double; NaN equals NaN.
double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor differs = a.ne(b).logical_and(a.eq(a).logical_or(b.eq(b)));
  if (!differs.any().item<bool>()) {
    return 0;
  }
  const at::Tensor by = a.sub(b).abs().masked_select(differs);
  return by.nan_to_num(kInfinity, kInfinity, kInfinity).max().item<double>();
}

/// Compares by name, in the measure of the header's comment.
void compare(
    const std::string& kind,
    const std::map<std::string, at::Tensor>& reference,
    const std::map<std::string, at::Tensor>& actual,
    std::vector<VerifyRow>& rows) {
  double scale = 0;
  for (const auto& [name, tensor] : reference) {
    scale = std::max(scale, largest(tensor));
  }
  for (const auto& [name, expected] : reference) {
    VerifyRow row;
    row.kind = kind;
    row.name = name;
    const auto found = actual.find(name);
    if (found == actual.end() || found->second.sizes() != expected.sizes()) {
      row.error = kInfinity;
      rows.push_back(row);
      continue;
    }
    row.equal_bits = found->second.equal(expected);
    if (!row.equal_bits) {
      const at::Tensor a = as_double(found->second);
      const at::Tensor b = as_double(expected);
      const double floor = std::max(largest(expected), 1e-3 * scale);
      const double difference = largest_difference(a, b);
      row.error =
          floor > 0 && std::isfinite(floor) ? difference / floor : difference;
      row.equal_bits = difference == 0;
      row.has_nan = b.ne(b).any().item<bool>();
    }
    rows.push_back(row);
  }
  for (const auto& [name, tensor] : actual) {
    if (!reference.contains(name)) {
      rows.push_back({kind, name, kInfinity, false});
    }
  }
}

at::Tensor total(const std::map<int, double>& losses) {
  double sum = 0;
  for (const auto& [microbatch, loss] : losses) {
    sum += loss;
  }
  return at::scalar_tensor(sum, at::TensorOptions(at::kDouble));
}

/// A merged copy of a stage directory, gone with this object.
class MergedCopy {
 public:
  explicit MergedCopy(const std::filesystem::path& directory)
      : path_(verify_scratch_file()) {
    merge(directory, std::nullopt, path_);
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

}  // namespace

std::filesystem::path verify_scratch_file() {
  return std::filesystem::temp_directory_path() /
         ("pp_verify_" + std::to_string(::getpid()) + ".pt2");
}

VerifyReport verify(const VerifyOptions& options) {
  std::optional<MergedCopy> merged;
  PipelineSource pipeline;
  std::filesystem::path model_path = options.path;
  bool by_hand = false;
  if (std::filesystem::is_directory(options.path)) {
    ModelConfig config;
    config.stages = options.path;
    pipeline = open_pipeline(config, {});
    by_hand = pipeline.manifest.is_assembled();
    if (!by_hand) {
      merged.emplace(options.path);
      model_path = merged->path();
    }
    say_inputs(pipeline.manifest, options.inputs);
  } else {
    pipeline = cut_model(
        load_model(model_path, {.inputs = options.inputs}), options.split);
  }
  // Stages made by hand have no model: they are run one after the other.
  UserInputs integers;
  PipelineSource unsplit;
  if (by_hand) {
    unsplit = pipeline;
  } else {
    Model model = load_model(model_path, {.inputs = options.inputs});
    integers = exported_integers(model);
    unsplit = cut_model(std::move(model), {});
  }

  WantedOutputs wanted;
  for (const ModelOutput& output : pipeline.manifest.outputs) {
    if (output.type.kind == ir::TypeKind::Tensor) {
      wanted.insert(output.name);
    }
  }
  const int num_stages = static_cast<int>(pipeline.stages.size());
  const int num_ranks = default_ranks(options.schedule, num_stages);
  const std::vector<UserInputs> inputs =
      draw_inputs(pipeline.manifest, integers, options.microbatches);
  const Schedule schedule = plan_schedule(
      options.schedule,
      num_ranks,
      num_stages,
      options.microbatches,
      options.forward_only);
  // The order in which gradients are added up decides their last bits.
  const bool descends = adds_up_descending(schedule);
  const Schedule reference_schedule = plan_schedule(
      descends ? "LoopedBFS" : "GPipe",
      1,
      static_cast<int>(unsplit.stages.size()),
      options.microbatches,
      options.forward_only);
  const Results expected =
      run_pipeline(unsplit, reference_schedule, inputs, wanted, options);
  const Results actual =
      run_pipeline(pipeline, schedule, inputs, wanted, options);

  VerifyReport report;
  report.num_stages = num_stages;
  compare("output", expected.outputs, actual.outputs, report.rows);
  compare(
      "loss",
      {{"loss", total(expected.losses)}},
      {{"loss", total(actual.losses)}},
      report.rows);
  compare("gradient", expected.gradients, actual.gradients, report.rows);
  compare("buffer", expected.buffers, actual.buffers, report.rows);
  report.passed = std::ranges::all_of(report.rows, [&](const VerifyRow& row) {
    return options.exact ? row.equal_bits : row.error <= options.tolerance;
  });
  return report;
}

std::string VerifyReport::text(double tolerance) const {
  std::vector<const VerifyRow*> worst;
  size_t num_equal = 0;
  for (const VerifyRow& row : rows) {
    num_equal += row.equal_bits ? 1 : 0;
    worst.push_back(&row);
  }
  std::ranges::stable_sort(
      worst, [](const auto* a, const auto* b) { return a->error > b->error; });
  std::string out = std::to_string(rows.size()) + " values compared over " +
                    counted(num_stages, "stage", "stages") + ": " +
                    std::to_string(num_equal) + " equal to the bit\n";
  constexpr size_t kMost = 10;
  for (size_t i = 0; i < std::min(kMost, worst.size()); ++i) {
    if (worst[i]->equal_bits) {
      break;
    }
    char error[32];
    std::snprintf(error, sizeof(error), "%.3g", worst[i]->error);
    out += "  " + worst[i]->kind + " " + worst[i]->name + ": error " + error +
           (worst[i]->error > tolerance ? "  <-- above tolerance" : "") + "\n";
  }
  const auto num_nan = std::ranges::count_if(rows, &VerifyRow::has_nan);
  if (num_nan > 0) {
    out +=
        "  note: " +
        counted(static_cast<int64_t>(num_nan), "value has", "values have") +
        " NaN, in the unsplit model too: of those entries nothing is known\n";
  }
  out += passed
             ? "verified: the pipeline computes what the unsplit model does\n"
             : "DIFFERENT: the pipeline does not compute what the unsplit "
               "model does\n";
  return out;
}

}  // namespace pp
