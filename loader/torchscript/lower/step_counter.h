#pragma once

#include <cstddef>

namespace pp::ts {

/// Counts the steps of a lowering: nodes of code that are lowered, iterations
/// of loops, and items of lists that are made or read. A node that is lowered
/// twice counts as two steps.
class StepCounter {
 public:
  /// Adds steps to the count.
  /// throws  Error(Input): the count exceeds kMaxSteps
  void add(size_t steps);

 private:
  size_t count_ = 0;
};

}  // namespace pp::ts
