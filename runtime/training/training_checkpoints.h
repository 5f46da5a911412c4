#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
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

/// The checkpoints of one training run: the one from which it continues, and
/// those that it saves. A rank saves its stages and optimizers; with replicas,
/// only the first one does.
class TrainingCheckpoints {
 public:
  struct Resumed {
    std::filesystem::path path;
    int64_t num_steps = 0;  ///< updates that were done
    /// Number of updates planned for the run that saved the checkpoint;
    /// nullopt: the checkpoint doesn't say.
    std::optional<int64_t> planned_steps = {};
    /// See FaultReports::first_bad_update().
    std::optional<int64_t> first_bad = {};
  };

  /// All ranks call it together. The arguments must outlive this.
  TrainingCheckpoints(
      const Plan& plan,
      MeshRank& ranks,
      RankStages& stages,
      Replicas& replicas,
      Updates& updates);

  /// Loads weights, buffers and optimizer state from the newest checkpoint, if
  /// the run is to continue from one. Call it once, before save(). All ranks
  /// call it together.
  ///
  /// data_order  TrainingData::order_text()
  /// returns     the checkpoint; nothing if the run starts anew
  /// throws      as find_checkpoint_to_resume; Error(Usage): the job differs
  ///             from the checkpoint's in a way that would change the run;
  ///             Error(Input): damaged, or the checkpoint of another model
  std::optional<Resumed> resume(
      const ResumePoint& point, const std::string& data_order);

  /// Whether this rank acts for all ranks that see the same checkpoint folder.
  bool leads_folder() const { return sharing_.leads(ranks_.world.rank); }

  struct Step {
    int64_t num_steps = 0;      ///< updates done
    int64_t planned_steps = 0;  ///< of the whole run
    TrainingData::Position position;
    bool is_last = false;  ///< the run's last: tensors no longer change
    /// See prune_checkpoints().
    std::optional<int64_t> first_bad = {};
  };
  /// Saves in the background. All ranks call it together, with the same step.
  /// throws  as CheckpointSaver::save
  void save(const Step& step);

  /// See the functions of CheckpointSaver.
  std::vector<std::filesystem::path> poll() { return saver_.poll(); }
  std::vector<std::filesystem::path> finish() { return saver_.finish(); }
  std::vector<std::filesystem::path> leave() noexcept { return saver_.leave(); }

 private:
  CheckpointParts parts();

  const Plan& plan_;
  MeshRank& ranks_;
  RankStages& stages_;
  Replicas& replicas_;
  Updates& updates_;
  FolderSharing sharing_;
  std::map<std::string, std::string> contract_;  ///< see resume_contract()
  CheckpointSaver saver_;
};

/// Says that a resumed run uses other learning rates than the run of its
/// checkpoint would have used, because it has another number of steps; empty if
/// it doesn't.
///
/// lr         the optimizer's learning rate
/// num_steps  number of updates in the whole run
std::string changed_rates(
    const LrSchedule& schedule,
    double lr,
    const TrainingCheckpoints::Resumed& resumed,
    int64_t num_steps);

}  // namespace pp
