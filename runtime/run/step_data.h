#pragma once

#include <vector>

#include "runtime/data/data_loader.h"
#include "runtime/executor/executor.h"

namespace pp {

/// One step's microbatches, as the executor asks for them.
class StepData {
 public:
  /// device  where stages and loss read them; null: as they are
  explicit StepData(
      std::vector<Microbatch> microbatches, RankDevice* device = nullptr);

  /// In the host's memory.
  const std::vector<Microbatch>& microbatches() const { return microbatches_; }
  /// On the rank's device.
  const Microbatch& operator[](int index) const {
    return (on_device_.empty() ? microbatches_ : on_device_).at(index);
  }
  int num_microbatches() const {
    return static_cast<int>(microbatches_.size());
  }
  int64_t num_rows() const;
  /// Elements of the first integer input: tokens, where rows are sequences;
  /// 0 if there is none here.
  int64_t num_tokens() const;
  /// For StepInputs::user_inputs; this must outlive it.
  std::function<const UserInputs&(int)> user_inputs() const;

 private:
  std::vector<Microbatch> microbatches_;
  std::vector<Microbatch> on_device_;  ///< empty: the CPU
};

}  // namespace pp
