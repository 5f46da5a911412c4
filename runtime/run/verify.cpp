#include "runtime/run/verify.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>

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

std::vector<UserInputs> draw_inputs(const Manifest& manifest, int count) {
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
      if (input.type.kind == ir::TypeKind::Tensor) {
        inputs.emplace(
            input.name,
            draw_tensor(
                input.tensor,
                kSeed + 1000 * static_cast<uint64_t>(microbatch) + number++));
      }
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

double largest(const at::Tensor& tensor) {
  return tensor.numel() == 0
             ? 0
             : tensor.detach().to(at::kDouble).abs().max().item<double>();
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
      row.error = std::numeric_limits<double>::infinity();
      rows.push_back(row);
      continue;
    }
    row.equal_bits = found->second.equal(expected);
    if (!row.equal_bits) {
      const at::Tensor a = found->second.to(at::kDouble);
      const at::Tensor b = expected.to(at::kDouble);
      const double floor = std::max(largest(b), 1e-3 * scale);
      const double difference = largest(a.sub(b));
      row.error = floor > 0 ? difference / floor : difference;
      row.error = std::isnan(row.error)
                      ? std::numeric_limits<double>::infinity()
                      : row.error;
    }
    rows.push_back(row);
  }
  for (const auto& [name, tensor] : actual) {
    if (!reference.contains(name)) {
      rows.push_back(
          {kind, name, std::numeric_limits<double>::infinity(), false});
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
  if (std::filesystem::is_directory(options.path)) {
    ModelConfig config;
    config.stages = options.path;
    pipeline = open_pipeline(config, {});
    if (!pipeline.manifest.is_assembled()) {
      merged.emplace(options.path);
      model_path = merged->path();
    }
    say_inputs(pipeline.manifest, options.inputs);
  } else {
    pipeline = cut_model(
        load_model(model_path, {.inputs = options.inputs}), options.split);
  }
  // Stages made by hand have no model: they are run one after the other.
  const PipelineSource unsplit =
      pipeline.manifest.is_assembled()
          ? pipeline
          : cut_model(load_model(model_path, {.inputs = options.inputs}), {});

  WantedOutputs wanted;
  for (const ModelOutput& output : pipeline.manifest.outputs) {
    if (output.type.kind == ir::TypeKind::Tensor) {
      wanted.insert(output.name);
    }
  }
  const int num_stages = static_cast<int>(pipeline.stages.size());
  const int num_ranks = default_ranks(options.schedule, num_stages);
  const std::vector<UserInputs> inputs =
      draw_inputs(pipeline.manifest, options.microbatches);
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
  out += passed
             ? "verified: the pipeline computes what the unsplit model does\n"
             : "DIFFERENT: the pipeline does not compute what the unsplit "
               "model does\n";
  return out;
}

}  // namespace pp
