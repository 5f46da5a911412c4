#include "runtime/training/training_checkpoints.h"

#include <algorithm>
#include <charconv>

#include "loader/archive/folders.h"
#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "runtime/checkpoint/exported_weights.h"
#include "runtime/checkpoint/find.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/tensor_name.h"
#include "runtime/checkpoint/writer.h"
#include "runtime/observe/progress_format.h"
#include "runtime/optim/lr_schedule.h"
#include "runtime/rank/collectives.h"

namespace pp {

namespace {

/// The key of a run's planned updates in a checkpoint's state. A resumed run
/// may have another number of them.
constexpr const char* kPlannedSteps = "steps";
/// The key of the first update that put NaN or infinity into the model.
constexpr const char* kFirstBad = "first_bad_update";

/// Returns a number in a checkpoint's state; nullopt if it isn't there.
std::optional<int64_t> number_of(
    const CheckpointState& state, const std::string& key) {
  const auto found = state.job.find(key);
  int64_t steps = 0;
  if (found == state.job.end()) {
    return std::nullopt;
  }
  const std::string& text = found->second;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), steps);
  return error == std::errc() && end == text.data() + text.size()
             ? std::optional(steps)
             : std::nullopt;
}

/// Whether another, lower stage saves this state.
bool is_saved_by_lower_stage(
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
    if (state.is_saved() &&
        !is_saved_by_lower_stage(manifest, state.fqn, stage.index())) {
      tensors.emplace(state.fqn, state.tensor.detach());
    }
  }
  for (const auto& [name, tensor] : optimizer_state) {
    if (!is_saved_by_lower_stage(
            manifest, parse_tensor_name(name).fqn, stage.index())) {
      tensors.emplace(name, tensor);
    }
  }
  return tensors;
}

/// Finds out which ranks share the folder, by trying if there may be several
/// hosts.
FolderSharing sharing_of(const OutputConfig& output, RankContext& world) {
  return world.launcher == LauncherKind::Local
             ? FolderSharing::all_in_one(world.size)
             : find_sharing(world, checkpoint_folder(output));
}

}  // namespace

TrainingCheckpoints::TrainingCheckpoints(
    const Plan& plan,
    MeshRank& ranks,
    RankStages& stages,
    Replicas& replicas,
    Updates& updates)
    : plan_(plan),
      ranks_(ranks),
      stages_(stages),
      replicas_(replicas),
      updates_(updates),
      sharing_(sharing_of(plan.output, ranks.world)),
      saver_(
          ranks.world,
          checkpoint_folder(plan.output),
          sharing_,
          plan.num_stages()) {
  const bool saves = plan.train->steps != std::optional<int64_t>(0);
  if (plan.output.keep_best && saves && leads_folder()) {
    check_links(checkpoint_folder(plan.output));
  }
}

std::optional<TrainingCheckpoints::Resumed> TrainingCheckpoints::resume(
    const ResumePoint& point, const std::string& data_order) {
  contract_ = resume_contract(
      *plan_.train, plan_.loss_output, plan_.data.batch_size, data_order);
  auto checkpoint = find_checkpoint_to_resume(
      ranks_.world, checkpoint_folder(plan_.output), sharing_, point);
  if (!checkpoint) {
    return std::nullopt;
  }
  const CheckpointState& state = checkpoint->state();
  check_resume_contract(contract_, state, checkpoint->path());
  const TensorLookup find = checkpoint->lookup(stages_.saved_fqns());
  stages_.load(find, checkpoint->path().string());
  updates_.load(state, find);
  return Resumed{
      checkpoint->path(),
      state.step,
      number_of(state, kPlannedSteps),
      number_of(state, kFirstBad)};
}

/// The tensors to save, not copied; shares of replicas are combined.
CheckpointParts TrainingCheckpoints::parts() {
  CheckpointParts parts;
  for (const auto& [index, stage] : stages_.stages()) {
    const auto state =
        replicas_.whole_state(index, *updates_.optimizers().at(index));
    if (replicas_.is_first()) {
      parts[index] = tensors_of(plan_.source.manifest, stage, state);
    }
  }
  return parts;
}

void TrainingCheckpoints::save(const Step& step) {
  saved_ = step;
  CheckpointState state;
  state.step = step.num_steps;
  state.epoch = step.position.epoch;
  state.data_position = step.position.sample;
  state.seed = plan_.seed;
  state.job = contract_;
  state.job[kPlannedSteps] = std::to_string(step.planned_steps);
  if (step.first_bad) {
    state.job[kFirstBad] = std::to_string(*step.first_bad);
  }
  updates_.save(state);
  saver_.save(
      state,
      parts(),
      plan_.output.keep,
      step.is_last ? CheckpointSaver::Tensors::AsTheyAre
                   : CheckpointSaver::Tensors::Copied,
      step.first_bad,
      best_);
}

void TrainingCheckpoints::set_best(std::optional<int64_t> step) {
  best_ = step;
  if (!leads_folder()) {
    return;
  }
  const std::filesystem::path folder = checkpoint_folder(plan_.output);
  link_best(folder, best_);
  if (saved_) {
    prune_checkpoints(
        folder, saved_->num_steps, plan_.output.keep, saved_->first_bad, best_);
  }
}

std::filesystem::path TrainingCheckpoints::export_weights(ExportDtype dtype) {
  const std::filesystem::path folder = exported_weights_folder(plan_.output);
  if (leads_folder()) {
    make_output_folder(folder);
  }
  barrier(ranks_.world);
  if (replicas_.is_first()) {
    for (const auto& [index, stage] : stages_.stages()) {
      auto weights = tensors_of(plan_.source.manifest, stage, {});
      for (auto& [fqn, tensor] : weights) {
        const at::Tensor exported = to_export_type(tensor, dtype);
        if (const int64_t count = num_overflows(tensor, exported)) {
          ranks_.world.log.warning(
              "'" + fqn + "': " + count_text(count, "entry", "entries") +
              " beyond the range of " + std::string(enum_name(dtype)) +
              " became infinite in " + folder.string());
        }
        tensor = exported;
      }
      write_tensors(folder / part_file(index), weights);
    }
  }
  barrier_for_disk(ranks_.world);
  // An earlier export may have had more parts.
  if (leads_folder()) {
    remove_other_parts(folder, parts_here());
  }
  return folder;
}

std::set<int> TrainingCheckpoints::parts_here() const {
  std::set<int> parts;
  const StageMap& place_of = plan_.train_schedule.stage_to_rank;
  for (int stage = 0; stage < plan_.num_stages(); ++stage) {
    const int rank = plan_.mesh.rank_of(place_of.at(stage), 0);
    if (sharing_.leader_of(rank) == ranks_.world.rank) {
      parts.insert(stage);
    }
  }
  return parts;
}

std::string changed_rates(
    const LrSchedule& schedule,
    double lr,
    const TrainingCheckpoints::Resumed& resumed,
    int64_t num_steps) {
  const std::optional<int64_t> planned = resumed.planned_steps;
  if (!planned || *planned == num_steps ||
      schedule.shape == LrShape::Constant) {
    return "";
  }
  const int64_t next = resumed.num_steps;
  const double before = learning_rate(schedule, lr, *planned, next);
  const double now = learning_rate(schedule, lr, num_steps, next);
  return "the run that saved " + resumed.path.string() + " was planned for " +
         count_text(*planned, "step", "steps") + ", this one for " +
         std::to_string(num_steps) + ": the " +
         std::string(enum_name(schedule.shape)) +
         " learning rate now ends at step " + std::to_string(num_steps) +
         (before == now
              ? ""
              : ", so step " + std::to_string(next + 1) + " has a rate of " +
                    number_text(now) + " instead of " + number_text(before));
}

}  // namespace pp
