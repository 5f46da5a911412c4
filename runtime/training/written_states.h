#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/stage/stage.h"

namespace pp {

/// The states that a rank's forwards change, such as batch norm's running
/// statistics. They are a part of the model that no optimizer updates: a step
/// that goes wrong spoils them before its loss is known.
class WrittenStates {
 public:
  /// stages    must outlive this
  /// restores  whether restore() may be called; then each step copies them
  WrittenStates(std::map<int, Stage>& stages, bool restores);

  /// Call it before a step's first forward.
  void begin_step();
  /// Returns the names of the states that hold NaN since this step. Waits for
  /// the device.
  std::vector<std::string> poisoned();
  /// Gives the states the values that they had before the step.
  void restore();

 private:
  struct Entry {
    Stage* stage;
    size_t index;  ///< in Stage::states()
    bool had_nan = false;
    bool has_nan = false;
    at::Tensor before = {};
  };
  static const StageState& state_of(const Entry& entry) {
    return entry.stage->states()[entry.index];
  }
  void look_for_nan();

  std::vector<Entry> entries_;
  bool restores_;
  bool begun_ = false;
};

}  // namespace pp
