#include "runtime/run/checkpoints.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"

namespace pp {

namespace {

bool is_saved(const StageState& state) {
  return state.kind != ir::StateKind::Constant && state.persistent;
}

std::set<std::string> saved_names(RankStages& stages) {
  std::set<std::string> fqns;
  for (const auto& [index, stage] : stages.stages()) {
    for (const StageState& state : stage.states()) {
      if (is_saved(state)) {
        fqns.insert(state.fqn);
      }
    }
  }
  return fqns;
}

/// Whether another, lower stage saves this state.
bool saved_by_lower_stage(
    const Manifest& manifest, const std::string& fqn, int stage) {
  const auto tied = std::ranges::find(manifest.tied, fqn, &TiedParameter::fqn);
  return tied != manifest.tied.end() && tied->stages.front() != stage;
}

std::map<std::string, at::Tensor> tensors_of(
    const Manifest& manifest,
    const Stage& stage,
    const std::map<std::string, at::Tensor>& optimizer_state) {
  std::map<std::string, at::Tensor> tensors;
  for (const StageState& state : stage.states()) {
    if (is_saved(state) &&
        !saved_by_lower_stage(manifest, state.fqn, stage.index())) {
      tensors.emplace(state.fqn, state.tensor.detach());
    }
  }
  for (const auto& [name, tensor] : optimizer_state) {
    if (!saved_by_lower_stage(manifest, fqn_of(name), stage.index())) {
      tensors.emplace(name, tensor);
    }
  }
  return tensors;
}

std::string loss_text(const LossConfig& loss) {
  return loss.path.empty() ? (loss.name.empty() ? "the model's" : loss.name)
                           : loss.path.filename().string();
}

}  // namespace

std::map<std::string, std::string> resume_contract(
    const Job& job, const std::string& data_order) {
  return {
      {"optimizer", job.train->optimizer.name},
      {"loss", loss_text(job.train->loss)},
      {"seed", std::to_string(job.train->seed)},
      {"batch_size", std::to_string(job.data.batch_size)},
      {"accumulate", std::to_string(job.train->accumulate)},
      {"data", data_order}};
}

std::filesystem::path checkpoint_folder(const Job& job) {
  return job.output.dir / "checkpoints";
}

CheckpointParts checkpoint_parts(
    const Manifest& manifest,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    Replicas& replicas) {
  CheckpointParts parts;
  for (const auto& [index, stage] : stages.stages()) {
    const auto state = replicas.whole_state(index, *optimizers.at(index));
    if (replicas.is_first()) {
      parts[index] = tensors_of(manifest, stage, state);
    }
  }
  return parts;
}

CheckpointState load_checkpoint(
    JobCheckpoint& checkpoint,
    const std::map<std::string, std::string>& contract,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    const Replicas& replicas) {
  const CheckpointState& state = checkpoint.state();
  for (const auto& [key, value] : contract) {
    const auto saved = state.job.find(key);
    if (saved != state.job.end() && saved->second != value) {
      throw usage_error(
          checkpoint.path().string() + " was made with " + key + " = " +
          saved->second + ", the job has " + value +
          ": a resumed run would not be the same run; start anew from it with "
          "model.checkpoint");
    }
  }
  const TensorLookup find = checkpoint.lookup(saved_names(stages));
  stages.load(find, checkpoint.path().string());
  // With a scaled loss the first updates may all have been left out.
  const bool may_be_new = state.job.contains("loss_scale");
  for (const auto& [index, optimizer] : optimizers) {
    optimizer->load_state(replicas.share_of_state(index, find), may_be_new);
  }
  return state;
}

void load_weights(
    RankContext& context,
    const std::filesystem::path& path,
    RankStages& stages) {
  JobCheckpoint checkpoint = open_checkpoint(context, path);
  stages.load(checkpoint.lookup(saved_names(stages)), path.string());
}

void set_earlier_run_aside(const Job& job, const Log& log) {
  const std::filesystem::path folder = checkpoint_folder(job);
  if (const auto aside = set_aside_checkpoints(folder, job.output.keep)) {
    log.warning(
        folder.string() +
        " held an earlier run's checkpoints: they are now in " +
        aside->string());
  }
}

}  // namespace pp
