#pragma once

#include <vector>

#include "runtime/data/data_loader.h"
#include "runtime/pipeline/executor.h"

namespace pp {

/// One step's microbatches, in the host's memory and on the rank's device.
class StepData {
 public:
  /// device  the device where stages and loss read the data; null: the CPU
  explicit StepData(
      std::vector<Microbatch> microbatches, RankDevice* device = nullptr);

  /// All microbatches, in the host's memory.
  const std::vector<Microbatch>& microbatches() const { return microbatches_; }
  /// One microbatch, on the rank's device.
  const Microbatch& operator[](int index) const {
    return (on_device_.empty() ? microbatches_ : on_device_).at(index);
  }
  int num_microbatches() const {
    return static_cast<int>(microbatches_.size());
  }
  int64_t num_rows() const;
  /// Returns the number of elements of the first integer input, which are
  /// tokens if rows are sequences; 0 if this rank reads no such input.
  int64_t num_tokens() const;
  /// Returns a function for StepInputs::user_inputs. This object must outlive
  /// the function.
  std::function<const UserInputs&(int)> user_inputs() const;

 private:
  std::vector<Microbatch> microbatches_;
  std::vector<Microbatch> on_device_;  ///< empty on the CPU
};

}  // namespace pp
