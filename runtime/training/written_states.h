#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/stage/kept_states.h"
#include "runtime/stage/stage.h"

namespace pp {

/// Watches the states that a rank's forwards change, such as batch norm's
/// running statistics. These states are part of the model, but no optimizer
/// updates them, so a failed step corrupts them before its loss is known.
class WrittenStates {
 public:
  /// stages    this rank's stages; must outlive this object
  /// restores  whether restore() may be called. If so, each step first copies
  ///           the states
  WrittenStates(std::map<int, Stage>& stages, bool restores);

  /// Begins a step. Call it before the step's first forward.
  void begin_step();
  /// Returns the names of the states that hold NaN now but didn't when the step
  /// began. Waits for the device.
  std::vector<std::string> poisoned();
  /// Gives the states the values that they had when the step began.
  void restore();

 private:
  struct Entry {
    Stage* stage;
    size_t index;  ///< position in Stage::states()
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
  /// The values before the step; nullopt unless `restores_`.
  std::optional<KeptStates> before_;
  bool begun_ = false;
};

}  // namespace pp
