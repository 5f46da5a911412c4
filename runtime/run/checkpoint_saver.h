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

#include "runtime/launch/rank_context.h"
#include "runtime/run/shared_folder.h"
#include "runtime/train/checkpoint.h"

namespace pp {

/// What a rank's stages contribute to a checkpoint: tensors by stage and name.
using CheckpointParts = std::map<int, std::map<std::string, at::Tensor>>;

/// Writes checkpoints while training goes on. save() copies the tensors; a
/// thread of each rank then writes its parts, and that of the folder's leader
/// gives the folder its name once all parts of the job are written. The threads
/// meet in the job's store, so no rank waits for another. Hosts that share no
/// folder each keep the parts that their ranks wrote.
class CheckpointSaver {
 public:
  /// folder     `<output.dir>/checkpoints`
  /// sharing    who sees the same one
  /// num_parts  of the whole job
  CheckpointSaver(
      RankContext& context,
      std::filesystem::path folder,
      FolderSharing sharing,
      int num_parts);
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;
  /// As leave().
  ~CheckpointSaver();

  enum class Take {
    Copies,   ///< the tensors may change at once
    Tensors,  ///< they stay as they are until finish()
  };

  /// All ranks call it, with the same step. Waits first for the save before:
  /// at the disks' pace, once all ranks have come to it.
  /// throws as finish() does
  void save(
      const CheckpointState& state,
      const CheckpointParts& parts,
      int keep,
      Take take);

  /// On rank 0: the checkpoints that came to be since the last call, whole.
  /// throws what the writing failed with, on the rank where it did
  std::vector<std::filesystem::path> poll();

  /// Waits until the save under way is done; then as poll().
  /// throws also JobFailed; Stalled: the other ranks' parts do not come
  std::vector<std::filesystem::path> finish();

  /// For a run that failed: a save under way is finished if that takes no
  /// longer than the disk needs for this rank's parts; else there will be no
  /// such checkpoint. Then as poll(), but what the writing failed with is
  /// dropped: it is not the cause.
  std::vector<std::filesystem::path> leave() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  void take(const CheckpointParts& parts, Take take);
  void write(const CheckpointState& state, int keep);
  void write_parts(int64_t step);
  bool lead(const CheckpointState& state, int keep);
  std::filesystem::path commit(const CheckpointState& state);
  bool wait_for(const std::function<bool()>& ready);
  std::optional<int> missing_rank();
  bool is_idle_soon();
  void wait_until_idle();

  RankContext& context_;
  const std::filesystem::path folder_;
  const FolderSharing sharing_;
  const int num_parts_;
  CheckpointParts parts_;  ///< of the thread while it runs
  int64_t step_ = 0;       ///< of the save under way, or the last
  bool owned_ = false;     ///< parts_ are copies, to be written over

  std::mutex mutex_;
  std::condition_variable idle_changed_;
  bool idle_ = true;
  std::exception_ptr error_;
  std::vector<std::filesystem::path> saved_;
  bool began_ = false;  ///< on a leader: a folder waits for its parts
  std::atomic<bool> leaving_{false};
  std::atomic<bool> waits_for_others_{false};
  std::thread thread_;
};

}  // namespace pp
