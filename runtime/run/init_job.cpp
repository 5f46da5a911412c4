#include "runtime/run/init_job.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "loader/archive/atomic_file.h"
#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/data/data_loader.h"
#include "runtime/job/keys.h"
#include "runtime/job/words.h"
#include "runtime/plan/plan.h"
#include "runtime/run/init_data.h"
#include "splitter/files/artifact.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const InitOptions& options) {
  return fs::absolute(options.job).lexically_normal().parent_path();
}

/// Whether a graph has something that train and eval mode change.
bool has_modes(const ir::Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const ir::Node& node) {
    return std::ranges::any_of(node.inputs, [](const ir::NamedArg& input) {
      return input.name == "train" || input.name == "training";
    });
  });
}

/// Adds the names of a stage's outputs that are results of log_softmax.
void add_log_probabilities(
    const ir::Graph& graph, std::vector<std::string>& names) {
  for (const ir::Output& output : graph.outputs) {
    const auto* value = std::get_if<ir::Ref>(&output.value.value);
    if (value == nullptr) {
      continue;
    }
    for (const ir::Node& node : graph.nodes) {
      const bool makes_it = !node.outputs.empty() &&
                            node.outputs.front().ids == std::vector{value->id};
      if (makes_it && node.target.find("log_softmax") != std::string::npos) {
        names.push_back(output.name);
      }
    }
  }
}

/// The model's path as the job file writes it.
std::string written_path(const InitOptions& options) {
  return options.model.is_absolute()
             ? options.model.string()
             : fs::absolute(options.model)
                   .lexically_normal()
                   .lexically_relative(folder_of(options))
                   .string();
}

PipelineSource open_model(const InitOptions& options) {
  ModelConfig model;
  const bool is_split = is_stage_directory(options.model);
  (is_split ? model.stages : model.path) = fs::absolute(options.model);
  SplitSpec split;
  if (is_split && options.stages > 0) {
    throw usage_error(
        options.model.string() + " is already split; leave out --stages");
  }
  split.num_stages = options.stages > 1 ? options.stages : 0;
  return open_pipeline(
      model,
      split,
      {},
      parse_input_hints(options.inputs),
      Stages::All,
      options.trust);
}

FirstJobModel describe(
    const InitOptions& options, const PipelineSource& source) {
  FirstJobModel model;
  const Manifest& manifest = source.manifest;
  model.path = written_path(options);
  model.is_stage_directory = is_stage_directory(options.model);
  for (const ModelInput& input : manifest.inputs) {
    if (input.type.kind == ir::TypeKind::Tensor) {
      model.inputs.push_back(input);
    }
  }
  model.outputs = manifest.outputs;
  model.guards = manifest.guards;
  model.num_stages = static_cast<int>(source.stages.size());
  const bool have_names = std::ranges::none_of(
      source.cuts, [](const Cut& cut) { return cut.names.empty(); });
  for (const Cut& cut : source.cuts) {
    if (have_names) {
      model.cuts.push_back(cut.names.front());
    }
  }
  for (const StageSource& stage : source.stages) {
    model.has_modes = model.has_modes || has_modes(stage.graph);
    model.ranges.insert(stage.graph.ranges.begin(), stage.graph.ranges.end());
  }
  add_log_probabilities(source.stages.back().graph, model.log_probabilities);
  for (const std::string& module : manifest.stages.front().modules) {
    if (model.first_module.empty()) {
      model.first_module = module;
    }
  }
  return model;
}

bool all_exist(const FirstJobPlan& plan) {
  return std::ranges::all_of(
             plan.inputs,
             [](const FirstJobSource& source) {
               return source.data.dtype.has_value();
             }) &&
         (!plan.target || plan.target->data.dtype.has_value());
}

/// Refuses what a run of the job would refuse before its first step.
void check_runs(const Job& job, bool has_data) {
  const std::shared_ptr<const Plan> plan = make_plan(job, {});
  if (has_data) {
    DataLoaderOptions options;
    options.plan = plan->batch;
    options.inputs = plan->inputs;
    options.guards = plan->source.manifest.guards;
    options.keep_short_batch = !plan->trains();
    options.pads_fixed_batch = !plan->trains();
    options.log = Log(LogLevel::Error);
    const DataLoader data(plan->data, options);
  }
}

std::string file_lines(const FirstJobPlan& plan) {
  std::vector<const FirstJobSource*> missing;
  for (const FirstJobSource& source : plan.inputs) {
    missing.push_back(&source);
  }
  if (plan.target && plan.target->shift == 0) {
    missing.push_back(&*plan.target);
  }
  std::erase_if(missing, [](const FirstJobSource* source) {
    return source->data.dtype.has_value();
  });
  std::string out;
  for (const FirstJobSource* source : missing) {
    out += (out.empty() ? "first save your data:\n  " : "  ") +
           source->data.path + ": " + source->needs + "\n";
  }
  return out;
}

std::string summary_of(
    const InitOptions& options,
    const FirstJobModel& model,
    const FirstJobPlan& plan) {
  std::string what = options.kind == FirstJobKind::Infer      ? "inference"
                     : options.kind == FirstJobKind::Finetune ? "fine-tuning"
                                                              : "training";
  what += ", " + count_text(model.num_stages, "stage", "stages") +
          ", batch_size " + std::to_string(plan.batch_size());
  if (options.kind != FirstJobKind::Infer) {
    what += plan.loss.empty() ? ", the model's own loss" : ", " + plan.loss;
  }
  return what + "\n" + file_lines(plan);
}

/// Refuses a target that the job wouldn't read.
void check_target(const InitData& data, const FirstJobPlan& plan) {
  if (!plan.target && !data.target.path.empty()) {
    throw usage_error(
        "--target " + data.target.path + ": nothing reads it: " +
        (plan.loss_output.empty()
             ? "inference has no loss"
             : "the model computes its own loss, '" + plan.loss_output +
                   "'; give labels to an input: --data NAME=FILE"));
  }
}

Error job_exists(const InitOptions& options) {
  return usage_error(
      options.job.string() +
      " exists, and pp init overwrites nothing; name another file with -o");
}

/// A first job, and whether all its data exist.
struct Made {
  InitResult result;
  bool has_data = false;
};

Made make_first_job(const InitOptions& options) {
  const PipelineSource source = open_model(options);
  const FirstJobModel model = describe(options, source);
  const fs::path folder = folder_of(options);
  InitData data =
      find_init_data(model.inputs, folder, options.data, options.target);
  FirstJobRequest request{
      .kind = options.kind,
      .command = options.command,
      .file = options.job.string(),
      .inputs = data.inputs,
      .target = data.target,
      .output_dir = "runs/" + options.job.stem().string(),
      .loss = options.loss,
      .steps = options.steps};
  const FirstJobPlan plan = plan_first_job(model, request);
  if (!options.target.empty()) {
    check_target(data, plan);
  }
  return {
      {first_job_text(model, request, plan), summary_of(options, model, plan)},
      all_exist(plan)};
}

}  // namespace

InitResult init_job(const InitOptions& options) {
  Made made = make_first_job(options);
  check_runs(
      parse_job(made.result.text, options.job.string(), folder_of(options)),
      made.has_data);
  return std::move(made.result);
}

void check_no_job(const InitOptions& options) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(options.job, ignored))) {
    throw job_exists(options);
  }
}

void write_first_job(const InitOptions& options, const InitResult& result) {
  if (!write_new_file(options.job, result.text)) {
    throw job_exists(options);
  }
}

bool needs_no_job_file(const fs::path& path) {
  if (is_stage_directory(path)) {
    return true;
  }
  const std::string extension = path.extension().string();
  return std::ranges::any_of(kModelFormats, [&](const ModelFormatName& format) {
    return format.extension == extension;
  });
}

Job job_without_file(
    const InitOptions& options, const std::vector<std::string>& overrides) {
  InitOptions named = options;
  if (const JobKey* key = try_find_key({"train", "loss", "name"})) {
    named.loss = word_for(*key, options.loss);
  }
  const fs::path name = default_output(options.model).filename();
  named.job =
      (is_stage_directory(options.model) ? name : name.stem()).string() +
      ".toml";
  return parse_job(
      make_first_job(named).result.text,
      options.model.string(),
      fs::current_path(),
      overrides);
}

}  // namespace pp
