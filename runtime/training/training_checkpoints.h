#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/checkpoint/resume.h"
#include "runtime/checkpoint/saver.h"
#include "runtime/checkpoint/shared_folder.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"
#include "runtime/training/replicas.h"
#include "runtime/training/training_data.h"
#include "runtime/training/updates.h"

namespace pp {

/// The checkpoints of one training run: the one that the run continues from,
/// and those that it saves. A rank saves its stages and optimizers; of several
/// replicas, only replica 0 saves.
class TrainingCheckpoints {
 public:
  struct Resumed {
    std::filesystem::path path;
    int64_t num_steps = 0;  ///< updates that the checkpoint includes
    /// Number of updates planned for the run that saved the checkpoint; nullopt
    /// if the checkpoint doesn't say.
    std::optional<int64_t> planned_steps = {};
    /// The result of FaultReports::first_bad_update() at the time of the
    /// checkpoint.
    std::optional<int64_t> first_bad = {};
  };

  /// Call it on all ranks together. The arguments must outlive this object.
  /// throws  what check_links() throws, if the job keeps the best checkpoint
  TrainingCheckpoints(
      const Plan& plan,
      MeshRank& ranks,
      RankStages& stages,
      Replicas& replicas,
      Updates& updates);

  /// Loads weights, buffers and optimizer state from the newest checkpoint, if
  /// `point` says that the run continues from one. Call it once, before save().
  /// All ranks call it together.
  ///
  /// data_order  the result of TrainingData::order_text()
  /// returns     the checkpoint that was loaded; nullopt if the run starts anew
  /// throws      what find_checkpoint_to_resume() throws; Error(Usage): the job
  ///             differs from the checkpoint's in a way that would change the
  ///             run; Error(Input): the checkpoint is damaged or belongs to
  ///             another model
  std::optional<Resumed> resume(
      const ResumePoint& point, const std::string& data_order);

  /// Whether this rank acts for all ranks that see the same checkpoint folder
  /// as it does.
  bool leads_folder() const { return sharing_.leads(ranks_.world.rank); }

  struct Step {
    int64_t num_steps = 0;      ///< updates completed
    int64_t planned_steps = 0;  ///< updates planned for the whole run
    TrainingData::Position position;
    /// Whether it is the run's last step, after which no tensor changes.
    bool is_last = false;
    /// The first bad update, see prune_checkpoints().
    std::optional<int64_t> first_bad = {};
  };
  /// Saves a checkpoint in the background. All ranks call it together, with the
  /// same step.
  /// throws  what CheckpointSaver::save() throws
  void save(const Step& step);

  /// Makes the checkpoint of a step the best one: `best` links to it, it
  /// remains whatever is saved later, and the one that was best is removed if
  /// it isn't among the newest. With nullopt, or if the step has no checkpoint,
  /// there is no best one. All ranks call it together, while nothing is being
  /// saved (finish()).
  ///
  /// throws  what link_best() throws
  void set_best(std::optional<int64_t> step);

  /// Writes the weights in their current state, without anything else, to
  /// `weights/part_K.safetensors` in the output folder, one part per stage, and
  /// then removes the other parts that an earlier run wrote there. Returns the
  /// folder. All ranks call it together.
  ///
  /// dtype   the type of the floating-point weights
  /// throws  Error(Runtime) naming the path: it can't be removed or written
  std::filesystem::path export_weights(ExportDtype dtype);

  /// The functions of CheckpointSaver with the same names.
  std::vector<std::filesystem::path> poll() { return saver_.poll(); }
  std::vector<std::filesystem::path> finish() { return saver_.finish(); }
  std::vector<std::filesystem::path> leave() noexcept { return saver_.leave(); }

 private:
  CheckpointParts parts();
  /// The stages that ranks export to the folder that this rank leads.
  std::set<int> parts_here() const;

  const Plan& plan_;
  MeshRank& ranks_;
  RankStages& stages_;
  Replicas& replicas_;
  Updates& updates_;
  FolderSharing sharing_;
  std::map<std::string, std::string> contract_;  ///< see resume_contract()
  CheckpointSaver saver_;
  std::optional<Step> saved_;    ///< the last step that was saved
  std::optional<int64_t> best_;  ///< the step of the best checkpoint
};

/// Returns a notice if the resumed run, which may have another number of steps,
/// uses other learning rates than the checkpoint's run would have used; empty
/// if the rates are the same.
///
/// lr         the optimizer's learning rate
/// num_steps  number of updates in the whole run
std::string changed_rates(
    const LrSchedule& schedule,
    double lr,
    const TrainingCheckpoints::Resumed& resumed,
    int64_t num_steps);

}  // namespace pp
