#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/stage/stage.h"

namespace pp {

/// Copies of the states that a rank's forwards change, such as batch norm's
/// running statistics, to undo the changes.
class KeptStates {
 public:
  /// stages  must outlive this
  explicit KeptStates(std::map<int, Stage>& stages);

  /// Gives the states the values that they had when this was made. A state
  /// keeps its memory.
  void restore() const;

 private:
  struct Kept {
    Stage* stage;
    size_t index;  ///< in Stage::states()
    at::Tensor value;
  };
  std::vector<Kept> kept_;
};

}  // namespace pp
