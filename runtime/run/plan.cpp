#include "runtime/run/plan.h"

#include <algorithm>
#include <span>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "loader/weights.h"
#include "runtime/data/examples.h"
#include "runtime/measure/measure.h"
#include "runtime/run/counted.h"
#include "runtime/run/name_patterns.h"
#include "runtime/run/rank_count.h"
#include "runtime/run/specs.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/group_stages.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/rank_map.h"
#include "runtime/schedule/stream.h"
#include "runtime/schedule/validate.h"
#include "runtime/train/content_hash.h"

namespace pp {

namespace {

/// A schedule from a file, which must be one for these sizes; it may have
/// fewer stages, which are then groups of neighbours.
Schedule read_schedule(
    const std::string& path,
    int num_ranks,
    int num_stages,
    int num_microbatches) {
  Schedule schedule = load_csv(path);
  const auto refuse = [&](size_t has, int wanted, const char* what) {
    throw usage_error(
        path + " is a schedule for " + std::to_string(has) + " " + what +
        ", the job has " + std::to_string(wanted));
  };
  if (static_cast<int>(schedule.ranks.size()) != num_ranks) {
    refuse(schedule.ranks.size(), num_ranks, "ranks");
  }
  if (static_cast<int>(schedule.stage_to_rank.size()) > num_stages) {
    refuse(schedule.stage_to_rank.size(), num_stages, "stages");
  }
  if (pp::num_microbatches(schedule) != num_microbatches) {
    refuse(
        static_cast<size_t>(pp::num_microbatches(schedule)),
        num_microbatches,
        "microbatches");
  }
  return schedule;
}

SplitSpec split_spec(const SplitConfig& config) {
  SplitSpec spec;
  for (const std::string& text : config.at) {
    spec.at.push_back(parse_split_point(text));
  }
  spec.num_stages = config.stages.value_or(0);
  spec.markers = config.markers;
  spec.transmit = config.tied == "transmit";
  if (config.balance == "time") {
    spec.balance = Balance::Time;
  } else if (config.balance == "flops") {
    spec.balance = Balance::Flops;
  } else if (config.balance == "memory") {
    spec.balance = Balance::Memory;
  }
  return spec;
}

std::vector<InputSpec> input_specs(const PipelineSource& source) {
  std::map<std::string, ir::Range> ranges;
  for (const StageSource& stage : source.stages) {
    ranges.insert(stage.graph.ranges.begin(), stage.graph.ranges.end());
  }
  std::vector<InputSpec> specs;
  for (const ModelInput& input : source.manifest.inputs) {
    if (input.type.kind == ir::TypeKind::Tensor) {
      specs.push_back(
          {input.name,
           input.tensor.dtype,
           input.tensor.sizes,
           input.tensor.known,
           ranges});
    }
  }
  return specs;
}

/// What the data say of the inputs of a model that may not say it itself.
InputHints examples_for(const Job& job) {
  if (job.model.path.empty() || job.model.path.extension() == ".pt2") {
    return {};
  }
  const int64_t parts =
      int64_t{job.parallel.replicas} * job.pipeline.microbatches.value_or(1);
  return examples_of(
      job.data, std::max<int64_t>(1, job.data.batch_size / parts));
}

/// How many stages a schedule is to be written for: all, or groups of
/// neighbours where the split has more than ranks and schedule take.
int group_count(
    const ScheduleEntry& entry,
    int num_ranks,
    int num_stages,
    std::optional<int> stages_per_rank) {
  int per_rank = num_stages / num_ranks;  // at least 1: see rank_count
  if (stages_per_rank) {
    per_rank = *stages_per_rank;
  } else if (entry.places_blocks) {
    return num_stages;  // runs neighbours as one by itself
  } else if (entry.fixed_stages_per_rank) {
    per_rank = entry.default_stages_per_rank;
  }
  if (per_rank * num_ranks > num_stages) {
    throw usage_error(
        std::string(entry.name) + " with " +
        counted(per_rank, "stage", "stages") + " on each of " +
        counted(num_ranks, "rank", "ranks") + " needs " +
        counted(per_rank * num_ranks, "stage", "stages") + ", the model is " +
        "split into " + std::to_string(num_stages) + "; start " +
        counted(std::max(1, num_stages / per_rank), "rank", "ranks") +
        " or split into " + std::to_string(per_rank * num_ranks));
  }
  return per_rank * num_ranks;
}

Schedule generate(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    std::optional<int> stages_per_rank) {
  const ScheduleEntry& entry = find_schedule(name);
  return entry.generate(
      {num_ranks,
       group_count(entry, num_ranks, num_stages, stages_per_rank),
       num_microbatches});
}

/// What can be refused before the model is opened.
void check_without_model(const Job& job) {
  if (!is_schedule_file(job.pipeline.schedule)) {
    find_schedule(job.pipeline.schedule);
  }
  if (!job.train) {
    return;
  }
  const std::vector<OptimizerOptions> options = resolve_options(
      optimizer_spec(*job.train), std::vector<std::string>{"any"});
  if (job.train->steps) {
    check_lr_schedule(
        lr_spec(job.train->lr_schedule), options.front().lr, *job.train->steps);
  }
}

void check_output_rules(const Job& job, const Manifest& manifest) {
  WantedOutputs names;
  for (const auto& [name, rule] : job.output.outputs) {
    names.insert(name);
  }
  plan_border(manifest, 0, names);
}

std::vector<std::string> floating_outputs(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const ModelOutput& output : manifest.outputs) {
    if (output.type.kind == ir::TypeKind::Tensor &&
        (!output.tensor.known || ir::is_floating(output.tensor.dtype))) {
      names.push_back(output.name);
    }
  }
  return names;
}

std::string choose_loss_output(const Job& job, const Manifest& manifest) {
  if (!job.train) {
    return "";
  }
  if (!job.train->loss.output.empty()) {
    return job.train->loss.output;
  }
  const std::vector<std::string> candidates = floating_outputs(manifest);
  if (candidates.size() != 1) {
    throw usage_error(
        candidates.empty()
            ? "the model has no floating output for train.loss to read"
            : "the model has " + std::to_string(candidates.size()) +
                  " floating outputs (" + join(candidates) +
                  "): name one as train.loss.output");
  }
  return candidates.front();
}

std::vector<std::string> choose_saved(
    const Job& job, const Manifest& manifest) {
  if (job.output.save) {
    return *job.output.save;
  }
  std::vector<std::string> all;
  if (!job.train) {
    for (const ModelOutput& output : manifest.outputs) {
      if (output.type.kind == ir::TypeKind::Tensor) {
        all.push_back(output.name);
      }
    }
  }
  return all;
}

/// Ranks that were started are so many pipelines.
std::optional<int> ranks_of_each(int replicas, std::optional<int> world_size) {
  if (world_size && *world_size % replicas != 0) {
    throw usage_error(
        "parallel.replicas is " + std::to_string(replicas) + ", but " +
        counted(*world_size, "rank", "ranks") +
        " were started: pipelines are of equal size; start a multiple of " +
        std::to_string(replicas));
  }
  return world_size ? std::optional(*world_size / replicas) : std::nullopt;
}

PipelineSource cut_at(
    const Model& model, const SplitSpec& spec, std::vector<Cut> cuts) {
  Partition parts = partition(model, spec, cuts);
  PipelineSource out;
  out.cuts = std::move(cuts);
  out.manifest = std::move(parts.manifest);
  for (ir::Graph& graph : parts.stages) {
    out.stages.push_back({std::move(graph), model.records, model.archive});
  }
  return out;
}

}  // namespace

PipelineSource cut_model(const Model& model, const SplitSpec& spec) {
  return cut_at(model, spec, choose_cuts(model.graph, with_costs(model, spec)));
}

std::string cuts_text(const std::vector<Cut>& cuts) {
  std::string out;
  for (const Cut& cut : cuts) {
    out += std::to_string(cut.position) + "\t" + join(cut.names, "\t") + "\n";
  }
  return out;
}

std::vector<Cut> parse_cuts(const std::string& text) {
  std::vector<Cut> cuts;
  for (const std::string& line : split_text(text, '\n')) {
    std::vector<std::string> words = split_text(line, '\t');
    if (words.size() > 1) {
      Cut& cut = cuts.emplace_back();
      cut.position = std::stoi(words.front());
      cut.names.assign(words.begin() + 1, words.end());
      std::erase(cut.names, "");
    }
  }
  return cuts;
}

PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitConfig& split,
    const std::optional<std::vector<Cut>>& cuts,
    const InputHints& examples) {
  PipelineSource out;
  std::vector<std::string> notes;
  if (!model.path.empty()) {
    LoadOptions options{.examples = examples};
    if (model.mode != "exported") {
      options.training = model.mode == "train";
    }
    Model whole = load_model(model.path, options);
    if (model.weights) {
      notes = bind_weights({&whole, 1}, *model.weights);
    }
    const SplitSpec spec = split_spec(split);
    const auto num_nodes = static_cast<int>(whole.graph.nodes.size());
    if (cuts && !cuts->empty() && cuts->back().position >= num_nodes) {
      throw input_error(
          model.path.string() + " is another model than rank 0's: it has " +
          std::to_string(num_nodes) + " nodes, and rank 0 cuts before node " +
          std::to_string(cuts->back().position));
    }
    out = cuts ? cut_at(whole, spec, *cuts) : cut_model(whole, spec);
    out.notes = std::move(notes);
    return out;
  }
  std::vector<Model> stages;
  if (model.stage_files.empty()) {
    StageDirectory directory = open_stages(model.stages);
    out.manifest = std::move(directory.manifest);
    stages = std::move(directory.stages);
  } else {
    Assembly assembly = load_assembly(model.stage_files);
    out.manifest = std::move(assembly.manifest);
    stages = std::move(assembly.stages);
  }
  if (model.weights) {
    out.notes = bind_weights(stages, *model.weights);
  }
  for (Model& stage : stages) {
    out.stages.push_back(
        {std::move(stage.graph), std::move(stage.records), stage.archive});
  }
  return out;
}

Schedule plan_schedule(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    bool forward,
    std::optional<int> stages_per_rank,
    std::span<const int> rank_map) {
  Schedule schedule =
      is_schedule_file(name)
          ? read_schedule(name, num_ranks, num_stages, num_microbatches)
          : generate(
                name, num_ranks, num_stages, num_microbatches, stages_per_rank);
  const int num_groups = static_cast<int>(schedule.stage_to_rank.size());
  if (num_groups < num_stages) {
    // Checked as it was written, before its stages stand for several.
    validate(schedule, num_microbatches, has_backward(schedule));
    schedule = expand_groups(schedule, even_groups(num_stages, num_groups));
  }
  if (!rank_map.empty()) {
    schedule = renumber_ranks(std::move(schedule), rank_map);
  }
  if (forward) {
    // Its forwards must be a schedule; what runs is a stream on its placement.
    validate(forward_only(schedule), num_microbatches, false);
    schedule = forward_stream(schedule.stage_to_rank, num_microbatches);
  }
  validate(schedule, num_microbatches, !forward);
  if (!is_lowered(schedule)) {
    schedule = lower(std::move(schedule));
  }
  validate(schedule, num_microbatches, !forward);
  return schedule;
}

std::shared_ptr<const Plan> make_plan(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts) {
  auto plan = std::make_shared<Plan>();
  plan->job = job;
  check_without_model(job);
  plan->source = open_pipeline(job.model, job.split, cuts, examples_for(job));
  const Manifest& manifest = plan->source.manifest;
  const int num_stages = plan->num_stages();
  const int replicas = job.parallel.replicas;
  plan->num_ranks =
      rank_count(job.pipeline, num_stages, ranks_of_each(replicas, world_size));
  plan->mesh = {
      plan->num_ranks, replicas, job.parallel.order.front() == "replica"};
  plan->inputs = input_specs(plan->source);
  plan->batch =
      plan_batch(job.data, job.pipeline.microbatches, plan->inputs, replicas);
  const int microbatches = plan->batch.num_microbatches;
  if (job.eval) {
    plan->eval_batch =
        plan_batch(job.eval->data, microbatches, plan->inputs, replicas);
  }
  const std::string& schedule = job.pipeline.schedule;
  const std::optional<int> per_rank = job.pipeline.stages_per_rank;
  if (plan->trains()) {
    plan->train_schedule = plan_schedule(
        schedule,
        plan->num_ranks,
        num_stages,
        microbatches,
        false,
        per_rank,
        job.pipeline.rank_map);
  }
  plan->forward_schedule = plan_schedule(
      schedule,
      plan->num_ranks,
      num_stages,
      microbatches,
      true,
      per_rank,
      job.pipeline.rank_map);
  if (job.train) {
    check_freeze(job.train->freeze, plan->source);
    check_recompute(job.pipeline.recompute, plan->source);
  }
  plan->loss_output = choose_loss_output(job, manifest);
  plan->saved_outputs = choose_saved(job, manifest);
  plan->wanted.insert(plan->saved_outputs.begin(), plan->saved_outputs.end());
  if (!plan->loss_output.empty()) {
    plan->wanted.insert(plan->loss_output);
  }
  plan_border(manifest, 0, plan->wanted);  // refuses unknown outputs now
  check_output_rules(job, manifest);
  return plan;
}

Agreement Plan::agreement() const {
  const auto hash = [](const std::string& text) {
    return content_hash(std::as_bytes(std::span(text)));
  };
  std::string actions;
  for (const Schedule* schedule : {&train_schedule, &forward_schedule}) {
    for (const std::vector<Action>& rank : schedule->ranks) {
      for (const Action& action : rank) {
        actions += to_string(action) + ",";
      }
      actions += "\n";
    }
  }
  Agreement all = job.written.values;
  all["the model's cut"] = hash(to_json(source.manifest));
  all["the schedule's actions"] = hash(actions);
  return all;
}

}  // namespace pp
