#include "runtime/plan/plan.h"

#include <algorithm>
#include <span>

#include "loader/archive/checkpoint_folder.h"
#include "loader/archive/content_hash.h"
#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/size_conditions.h"
#include "runtime/data/examples.h"
#include "runtime/data/fit.h"
#include "runtime/plan/name_patterns.h"
#include "runtime/plan/placed.h"
#include "runtime/plan/rank_count.h"
#include "runtime/plan/shared_parameters.h"
#include "runtime/schedule/csv.h"

namespace pp {

namespace {

std::vector<InputSpec> input_specs(const PipelineSource& source) {
  std::map<std::string, ir::Range> ranges;
  for (const StageSource& stage : source.stages) {
    for (const auto& [symbol, range] : stage.graph.ranges) {
      ir::narrow(ranges.emplace(symbol, range).first->second, range);
    }
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

/// Shapes and types of the data, for a model that may not state its inputs.
InputHints examples_for(const Job& job) {
  if (job.model.path.empty() || job.model.path.extension() == ".pt2") {
    return {};
  }
  const int64_t parts =
      int64_t{job.parallel.replicas} * job.pipeline.microbatches.value_or(1);
  return examples_of(
      job.data, std::max<int64_t>(1, job.data.batch_size / parts));
}

PipelineSource open_source(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts,
    const Trust& trust) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(job.model.stages, ignored)) {
    throw usage_error(with_place(
        job.written,
        "model.stages is " + job.model.stages.string() +
            ", a file; set model.path for a saved model, or name the stage "
            "directory that 'pp split' writes",
        {}));
  }
  try {
    return open_pipeline(
        job.model,
        job.split,
        cuts,
        examples_for(job),
        world_size ? Stages::Present : Stages::All,
        trust);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Usage) {
      throw;
    }
    throw usage_error(with_split_place(job, error.what()));
  }
}

/// Refuses what can be refused before the model is opened.
void check_without_model(const Job& job) {
  if (!is_schedule_file(job.pipeline.schedule)) {
    placed(job, {"pipeline.schedule"}, [&] {
      find_schedule(job.pipeline.schedule);
    });
  }
}

/// Refuses outputs that the model doesn't have.
void check_output_names(const Job& job, const Manifest& manifest) {
  if (job.output.save) {
    placed(job, {"output.save"}, [&] {
      plan_border(
          manifest, 0, {job.output.save->begin(), job.output.save->end()});
    });
  }
  if (job.train && !job.train->loss.output.empty()) {
    placed(job, {"train.loss.output"}, [&] {
      plan_border(manifest, 0, {job.train->loss.output});
    });
  }
  for (const auto& [name, rule] : job.output.outputs) {
    placed(job, {"output.outputs." + name}, [&] {
      plan_border(manifest, 0, {name});
    });
  }
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
    const std::string problem =
        candidates.empty()
            ? "the model has no floating-point output for train.loss to read"
            : "the model has " + std::to_string(candidates.size()) +
                  " floating-point outputs (" + join(candidates) +
                  "): name one as train.loss.output";
    throw usage_error(with_place(job.written, problem, {"train.loss"}));
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

/// The ranks of each pipeline if `world_size` ranks were started.
std::optional<int> ranks_of_each(int replicas, std::optional<int> world_size) {
  if (world_size && *world_size % replicas != 0) {
    throw usage_error(
        "parallel.replicas is " + std::to_string(replicas) + ", but " +
        count_text(*world_size, "rank was", "ranks were") +
        " started: all replicas have the same number of ranks; start a "
        "multiple of " +
        std::to_string(replicas));
  }
  return world_size ? std::optional(*world_size / replicas) : std::nullopt;
}

/// The parts of a plan that follow from the job alone.
void copy_job(const Job& job, Plan& plan) {
  plan.mode = job.model.mode;
  plan.trust = {
      AllowedOperators(job.security.allow), job.security.trust_script};
  if (job.model.checkpoint) {
    plan.initial_weights = checkpoint_in(*job.model.checkpoint);
  }
  plan.schedule_name = job.pipeline.schedule;
  plan.execution = {
      job.pipeline.device,
      job.pipeline.cuda_graphs,
      job.pipeline.threads_per_rank,
      job.pipeline.transport,
      job.pipeline.stall_timeout};
  plan.data = job.data;
  plan.seed = job.seed();
  plan.train = job.train;
  plan.recompute = job.pipeline.recompute;
  plan.shards_optimizer = job.parallel.zero == 1;
  plan.eval = job.eval;
  plan.output = job.output;
  plan.written = job.written;
}

void plan_ranks(const Job& job, std::optional<int> world_size, Plan& plan) {
  const int replicas = job.parallel.replicas;
  plan.num_ranks = placed(
      job,
      {"pipeline.ranks", "pipeline.stages_per_rank", "pipeline.schedule"},
      [&] {
        return rank_count(
            job.pipeline,
            plan.num_stages(),
            ranks_of_each(replicas, world_size));
      });
  plan.mesh = {
      plan.num_ranks,
      replicas,
      job.parallel.order.front() == MeshDimension::Replica};
}

void plan_batches(const Job& job, Plan& plan) {
  plan.inputs = input_specs(plan.source);
  plan.batch = placed(job, {"data.batch_size"}, [&] {
    return plan_batch(
        job.data, job.pipeline.microbatches, plan.inputs, plan.mesh.replicas);
  });
  placed(job, {"data.inputs", "data"}, [&] {
    check_input_names("data", job.data, plan.inputs);
  });
  if (job.eval) {
    plan.eval_batch =
        placed(job, {"eval.data.batch_size", "data.batch_size"}, [&] {
          return plan_batch(
              job.eval->data,
              plan.batch.num_microbatches,
              plan.inputs,
              plan.mesh.replicas);
        });
    placed(job, {"eval.data.inputs", "eval.data"}, [&] {
      check_input_names("eval.data", job.eval->data, plan.inputs);
    });
  }
}

void plan_schedules(const Job& job, Plan& plan) {
  const PipelineConfig& pipeline = job.pipeline;
  const auto make = [&](bool forward) {
    return placed(
        job,
        {"pipeline.stages_per_rank", "pipeline.schedule", "pipeline.ranks"},
        [&] {
          return plan_schedule(
              pipeline.schedule,
              plan.num_ranks,
              plan.num_stages(),
              plan.batch.num_microbatches,
              forward,
              pipeline.stages_per_rank,
              pipeline.rank_map);
        });
  };
  if (plan.trains()) {
    plan.train_schedule = make(/*forward=*/false);
  }
  plan.forward_schedule = make(/*forward=*/true);
}

void add_notes(const Job& job, std::optional<int> world_size, Plan& plan) {
  plan.notes = plan.source.notes;
  const std::string misfit = schedule_misfit(
      job.pipeline, plan.num_ranks, plan.num_stages(), world_size.has_value());
  if (!misfit.empty()) {
    plan.notes.push_back(misfit);
  }
}

void plan_outputs(const Job& job, Plan& plan) {
  const Manifest& manifest = plan.source.manifest;
  check_output_names(job, manifest);
  plan.loss_output = choose_loss_output(job, manifest);
  plan.saved_outputs = choose_saved(job, manifest);
  plan.wanted.insert(plan.saved_outputs.begin(), plan.saved_outputs.end());
  if (!plan.loss_output.empty()) {
    plan.wanted.insert(plan.loss_output);
  }
}

}  // namespace

std::shared_ptr<const Plan> make_plan(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts) {
  auto plan = std::make_shared<Plan>();
  check_without_model(job);
  copy_job(job, *plan);
  plan->source = open_source(job, world_size, cuts, plan->trust);
  plan_ranks(job, world_size, *plan);
  plan_batches(job, *plan);
  plan_schedules(job, *plan);
  if (job.train) {
    placed(job, {"train.freeze"}, [&] {
      check_freeze(job.train->freeze, plan->source);
    });
    placed(job, {"train.groups"}, [&] {
      check_groups(job.train->optimizer.groups, plan->source);
    });
    placed(job, {"pipeline.recompute"}, [&] {
      check_recompute(job.pipeline.recompute.modules, plan->source);
    });
    check_shared_parameters(
        plan->source,
        job.train->freeze,
        plan->shards_optimizer && plan->mesh.replicas > 1);
  }
  plan_outputs(job, *plan);
  add_notes(job, world_size, *plan);
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
  Agreement all = written.values;
  if (initial_weights) {
    all["model.checkpoint"] = initial_weights->filename().string();
  }
  all["the model's cut"] = hash(to_json(source.manifest));
  all["the schedule's actions"] = hash(actions);
  return all;
}

}  // namespace pp
