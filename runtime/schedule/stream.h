#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The forwards of a long sequence of microbatches as one stream, for inference
/// and evaluation. Time is counted in slots, each as long as one forward. Every
/// stage runs its microbatches in order, at slots that repeat periodically. So
/// the pipeline fills and drains only once, however many batches there are:
/// with one stage per rank, K microbatches on P ranks need K + P - 1 slots.
/// Works for any placement.
///
/// The stream stores nothing per microbatch: any part of any rank's list of
/// actions can be generated independently.
class ForwardStream {
 public:
  /// Chooses the slots in which each stage runs.
  /// throws  Error(Usage): a stage has no rank, or there are more microbatches
  ///         than an action's index can hold
  ForwardStream(StageMap stage_to_rank, int64_t num_microbatches);

  /// Leaves out the microbatches that no stage has begun before `slot`, so the
  /// stream ends as soon as the others have left the last stage.
  ///
  /// slot  above 0; actions that append() gave for earlier slots stay valid
  void end_early(int64_t slot);

  /// Number of slots until the last microbatch has left the last stage.
  int64_t num_slots() const { return num_slots_; }

  /// Appends the actions of `rank` in the slots [begin, end), lowered.
  /// Concatenated, the parts of a rank form its list. A receive is in the same
  /// slot as its send. So there is one order of all messages that every list
  /// follows, and no rank hangs even if sends wait for their receivers. Each
  /// stage has at most two sends in flight.
  void append(
      int rank, int64_t begin, int64_t end, std::vector<Action>& out) const;

 private:
  int num_stages() const { return static_cast<int>(stage_to_rank_.size()); }
  bool place(int group);
  int64_t slot_of(int stage, int64_t microbatch) const;
  int64_t microbatch_at(int stage, int64_t slot) const;
  enum class Senders { Below, Above };
  void append_receives(
      int rank, int64_t slot, Senders senders, std::vector<Action>& out) const;
  void append_forward(
      int stage, int64_t microbatch, std::vector<Action>& out) const;
  void append_last_waits(int rank, std::vector<Action>& out) const;
  bool sends(int stage) const;

  StageMap stage_to_rank_;
  std::vector<std::vector<int>> stages_of_;  ///< stages of each rank
  int64_t num_microbatches_;
  int group_ = 1;       ///< microbatches that a stage runs without a pause
  int64_t period_ = 1;  ///< slots from one group to the next
  std::vector<int64_t> offsets_;  ///< for each stage, the slot of microbatch 0
  int64_t num_slots_ = 0;
};

/// Returns the whole stream as a lowered schedule.
Schedule forward_stream(const StageMap& stage_to_rank, int num_microbatches);

}  // namespace pp
