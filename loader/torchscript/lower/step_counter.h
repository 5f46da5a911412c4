#pragma once

#include <cstddef>

namespace pp::ts {

/// Counts the steps of a lowering: nodes of code that are lowered, iterations,
/// and items of lists that are made or read. A node that runs twice is two
/// steps.
class StepCounter {
 public:
  /// throws Error(Input): there are more than kMaxSteps
  void add(size_t steps);

 private:
  size_t count_ = 0;
};

}  // namespace pp::ts
