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
  /// stages  this rank's stages; must outlive this object
  explicit KeptStates(std::map<int, Stage>& stages);

  /// Gives the states the values that they had when this object was made. A
  /// state keeps its memory.
  void restore() const;

 private:
  struct Kept {
    Stage* stage;
    size_t index;  ///< position in Stage::states()
    at::Tensor value;
  };
  std::vector<Kept> kept_;
};

}  // namespace pp
