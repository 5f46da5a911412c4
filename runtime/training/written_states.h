#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/stage/kept_states.h"
#include "runtime/stage/stage.h"

namespace pp {

/// The states that a rank's forwards change, such as batch norm's running
/// statistics. They are a part of the model that no optimizer updates, so a
/// failed step corrupts them before its loss is known.
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
  /// Restores the values that the states had before the step.
  void restore();

 private:
  struct Entry {
    Stage* stage;
    size_t index;  ///< in Stage::states()
    bool had_nan = false;
    bool has_nan = false;
  };
  static const StageState& state_of(const Entry& entry) {
    return entry.stage->states()[entry.index];
  }
  void look_for_nan();

  std::map<int, Stage>& stages_;
  std::vector<Entry> entries_;
  bool restores_;
  std::optional<KeptStates> before_;  ///< the step, if `restores_`
  bool begun_ = false;
};

}  // namespace pp
