#include "runtime/run/plan.h"

#include <algorithm>
#include <span>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/data/examples.h"
#include "runtime/run/counted.h"
#include "runtime/run/name_patterns.h"
#include "runtime/run/rank_count.h"
#include "runtime/run/specs.h"
#include "runtime/schedule/csv.h"
#include "runtime/train/content_hash.h"

namespace pp {

namespace {

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

}  // namespace

std::shared_ptr<const Plan> make_plan(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts) {
  auto plan = std::make_shared<Plan>();
  plan->job = job;
  check_without_model(job);
  plan->source = open_pipeline(
      job.model,
      job.split,
      cuts,
      examples_for(job),
      world_size ? Stages::ThoseThatAreThere : Stages::All);
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
