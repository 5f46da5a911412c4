#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/checkpoint_state.h"
#include "runtime/checkpoint/save_board.h"
#include "runtime/checkpoint/shared_folder.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// One rank's tensors for a checkpoint, by stage and name.
using CheckpointParts = std::map<int, std::map<std::string, at::Tensor>>;

/// Writes checkpoints while training continues. save() copies the tensors. Then
/// a thread of each rank writes the rank's parts, and the thread of each
/// folder's leader gives the folder its final name once all parts of the job
/// are written. The threads communicate through the job's store, so training
/// continues without waiting for other ranks until the next save(). Hosts that
/// share no folder each keep the parts that their ranks wrote.
class CheckpointSaver {
 public:
  /// context    the context of the whole job; must outlive this object
  /// folder     `<output.dir>/checkpoints`
  /// sharing    which ranks see the same folder
  /// num_parts  the number of parts of the whole job
  CheckpointSaver(
      RankContext& context,
      std::filesystem::path folder,
      FolderSharing sharing,
      int num_parts);
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;
  /// Calls leave().
  ~CheckpointSaver();

  enum class Tensors {
    Copied,    ///< the caller may change them once save() has returned
    AsTheyAre  ///< the caller must not change them before finish()
  };

  /// Begins to save a checkpoint. All ranks call it, with the same step. It
  /// first waits for the previous save. Until all ranks have begun that save,
  /// the stall timeout applies; after that the wait has no limit, because disks
  /// may be slow.
  ///
  /// keep, first_bad, best  determine which checkpoints remain, see
  ///                        prune_checkpoints()
  /// throws                 what finish() throws
  void save(
      const CheckpointState& state,
      const CheckpointParts& parts,
      int keep,
      Tensors tensors,
      std::optional<int64_t> first_bad = {},
      std::optional<int64_t> best = {});

  /// Returns, on rank 0, the checkpoints that were completed since the last
  /// call.
  /// throws  the error of a failed write, on the rank where it failed
  std::vector<std::filesystem::path> poll();

  /// Waits until the save in progress is done, and returns what poll() returns.
  /// throws  what poll() throws; JobFailed; Stalled: another rank does not
  ///         begin the save in time
  std::vector<std::filesystem::path> finish();

  /// Ends saving after the run has failed. Finishes writing this rank's parts,
  /// and completes the save if the other ranks do their share within 0.3 s;
  /// otherwise abandons it. Returns what poll() would return, but drops write
  /// errors, because they are not what made the run fail.
  std::vector<std::filesystem::path> leave() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  /// Removes the checkpoints of this rank's folder that are not to be kept.
  using Prune = std::function<void()>;

  void keep_tensors(const CheckpointParts& parts, Tensors tensors);
  void write(const CheckpointState& state, const Prune& prune);
  void write_parts();
  void follow(int leader);
  int64_t num_leaders() const;
  bool lead(const CheckpointState& state, const Prune& prune);
  std::filesystem::path commit(const CheckpointState& state);
  bool wait_for(const std::function<bool()>& condition);
  std::optional<int> missing_rank() const;
  bool is_idle_soon();
  void wait_until_idle();

  RankContext& context_;
  const std::filesystem::path folder_;
  const FolderSharing sharing_;
  const int num_parts_;
  /// Board of the save in progress, or else of the last one.
  std::optional<SaveBoard> board_;
  int64_t step_ = 0;               ///< the step of board_
  CheckpointParts parts_;          ///< used by the thread while it runs
  bool parts_are_copies_ = false;  ///< whether the next save may overwrite them

  std::mutex mutex_;
  std::condition_variable idle_changed_;
  bool idle_ = true;
  std::exception_ptr error_;
  std::vector<std::filesystem::path> saved_;
  /// On a leader: whether a folder was made but not committed.
  bool has_unfinished_folder_ = false;
  std::atomic<bool> leaving_{false};
  std::atomic<bool> waits_for_others_{false};
  std::thread thread_;
};

}  // namespace pp
