#include "runtime/run/checkpoints.h"

#include <algorithm>
#include <chrono>

#include <sys/stat.h>

#include "loader/core/error.h"
#include "runtime/launch/collectives.h"
#include "runtime/launch/launch_time.h"

namespace pp {

namespace {

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

/// A run that torchrun restarts before its own first checkpoint must not go on
/// from what an earlier run left in the folder.
bool is_of_earlier_launch(const std::filesystem::path& path) {
  const auto launched = torchrun_start();
  struct stat status {};
  if (!launched || stat(path.c_str(), &status) != 0) {
    return false;
  }
  const auto saved = std::chrono::seconds(status.st_mtim.tv_sec) +
                     std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return saved < launched->time_since_epoch();
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

std::optional<std::filesystem::path> checkpoint_to_resume(
    RankContext& context, const Plan& plan, const ResumePoint& point) {
  std::string path;
  if (context.rank == 0 && point.resume != Resume::No) {
    const NewestCheckpoint newest =
        find_newest_checkpoint(checkpoint_folder(plan.job));
    for (const std::string& warning : newest.warnings) {
      context.log.warning(warning);
    }
    const bool use = newest.path &&
                     !(point.this_launch && is_of_earlier_launch(*newest.path));
    path = use ? newest.path->string() : "";
    if (path.empty() && point.resume == Resume::Yes) {
      throw input_error(
          checkpoint_folder(plan.job).string() +
          " has no checkpoint to resume from; run without --resume to start, "
          "or with --resume-if-any to start where there is none");
    }
  }
  path = broadcast_text(context, path);
  return path.empty() ? std::nullopt
                      : std::optional<std::filesystem::path>(path);
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
