#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/data/batch.h"

namespace pp {

/// Options for rows that don't fill a batch; see DataLoaderOptions.
struct LastBatch {
  bool drop = false;  ///< data.drop_last
  bool keep_short = false;
  bool pads_fixed = false;
  bool is_padding_trial = false;
};

/// Determines which rows of an epoch a step uses, and how many microbatches
/// they make. Steps are counted from 0 over all epochs.
class StepRows {
 public:
  /// throws  Error(Usage): there are fewer rows than one batch
  StepRows(int64_t num_rows, const BatchPlan& plan, const LastBatch& last);

  int64_t num_rows() const { return num_rows_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  /// Notices that say which rows are left out, and why.
  const std::vector<std::string>& notices() const { return notices_; }

  /// Returns the number of microbatches of a step, over all replicas.
  int num_microbatches(int64_t step) const;
  /// Returns the index of a replica's first microbatch of a step, and the
  /// number of its microbatches.
  std::pair<int, int> own_microbatches(int64_t step, int replica) const;
  /// Returns the range of a step's positions in its epoch, as the first
  /// position and the one after the last.
  std::pair<int64_t, int64_t> positions(int64_t step) const;
  /// Returns the number of padding rows that the last microbatch of a step
  /// needs.
  int64_t padding(int64_t step) const;
  bool pads() const { return padding_ > 0; }
  /// Returns every size, in rows, that a microbatch of any step has.
  std::set<int64_t> microbatch_sizes() const;

 private:
  /// Whether padding gives all microbatches the size that the export fixed.
  bool fills_microbatches() const {
    return plan_.fixed_rows && last_.pads_fixed;
  }
  void settle_steps();
  void settle_padding();

  int64_t num_rows_;
  BatchPlan plan_;
  LastBatch last_;
  int64_t steps_per_epoch_ = 0;
  int64_t padding_ = 0;  ///< rows that the last microbatch lacks
  std::vector<std::string> notices_;
};

}  // namespace pp
