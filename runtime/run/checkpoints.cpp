#include "runtime/run/checkpoints.h"

#include <algorithm>

#include "loader/core/error.h"
#include "runtime/launch/collectives.h"

namespace pp {

namespace {

std::filesystem::path checkpoint_folder(const Plan& plan) {
  return plan.job.output.dir / "checkpoints";
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
    if (state.kind != ir::StateKind::Constant && state.persistent &&
        !saved_by_lower_stage(manifest, state.fqn, stage.index())) {
      tensors.emplace(state.fqn, state.tensor.detach());
    }
  }
  for (const auto& [name, tensor] : optimizer_state) {
    const std::string fqn = name.substr(name.find('.', name.find('.') + 1) + 1);
    if (!saved_by_lower_stage(manifest, fqn, stage.index())) {
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

std::filesystem::path save_checkpoint(
    RankContext& context,
    const Plan& plan,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    Replicas& replicas,
    const CheckpointState& state,
    int keep) {
  const std::filesystem::path folder = checkpoint_folder(plan);
  if (context.rank == 0) {
    begin_checkpoint(folder, state.step);
  }
  barrier(context);
  for (const auto& [index, stage] : stages.stages()) {
    const auto optimizer_state =
        replicas.whole_state(index, *optimizers.at(index));
    if (replicas.is_first()) {
      write_checkpoint_part(
          folder,
          state.step,
          index,
          tensors_of(plan.source.manifest, stage, optimizer_state));
    }
  }
  barrier(context);
  if (context.rank == 0) {
    commit_checkpoint(folder, state, plan.num_stages(), keep);
  }
  return folder / ("step_" + std::to_string(state.step));
}

std::filesystem::path newest_checkpoint(
    RankContext& context, const Plan& plan) {
  std::string path;
  if (context.rank == 0) {
    const NewestCheckpoint newest =
        find_newest_checkpoint(checkpoint_folder(plan));
    for (const std::string& warning : newest.warnings) {
      context.log.warning(warning);
    }
    path = newest.path ? newest.path->string() : "";
  }
  path = broadcast_text(context, path);
  if (path.empty()) {
    throw input_error(
        checkpoint_folder(plan).string() +
        " has no checkpoint to resume from; run without --resume to start");
  }
  return path;
}

CheckpointState load_checkpoint(
    const std::filesystem::path& path,
    const std::map<std::string, std::string>& contract,
    RankStages& stages,
    const std::map<int, std::unique_ptr<Optimizer>>& optimizers,
    const Replicas& replicas) {
  const CheckpointReader reader(path, CheckpointReader::Verify::Quick);
  for (const auto& [key, value] : contract) {
    const auto saved = reader.state().job.find(key);
    if (saved != reader.state().job.end() && saved->second != value) {
      throw usage_error(
          path.string() + " was made with " + key + " = " + saved->second +
          ", the job has " + value +
          ": a resumed run would not be the same run; start anew from it with "
          "model.checkpoint");
    }
  }
  const auto find = [&](const std::string& name) {
    return reader.try_find(name);
  };
  stages.load(find, path.string());
  for (const auto& [index, optimizer] : optimizers) {
    optimizer->load_state(replicas.share_of_state(index, find));
  }
  return reader.state();
}

void load_weights(const std::filesystem::path& path, RankStages& stages) {
  const CheckpointReader reader(path, CheckpointReader::Verify::Full);
  stages.load(
      [&](const std::string& name) { return reader.try_find(name); },
      path.string());
}

}  // namespace pp
