#include "loader/torchscript/lower/step_counter.h"

#include <string>

#include "loader/core/error.h"
#include "loader/torchscript/lower/limits.h"

namespace pp::ts {

void StepCounter::add(size_t steps) {
  if (steps > kMaxSteps - count_) {
    throw input_error(
        "the model's code runs more than " + std::to_string(kMaxSteps) +
        " steps while it is loaded (nodes, iterations and list items); "
        "shorten its loops and lists, or trace the model");
  }
  count_ += steps;
}

}  // namespace pp::ts
