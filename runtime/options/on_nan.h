#pragma once

#include <array>

#include "loader/core/enum_names.h"

namespace pp {

/// The reaction of a training run to a step whose loss, gradients or buffers
/// contain NaN or infinity.
enum class OnNan {
  Stop,      ///< end with an error; nothing is saved from that step on
  Skip,      ///< leave the model as it was before the step
  Continue,  ///< update the model, as torch does
};

constexpr auto enum_names(OnNan) {
  return std::array<EnumName<OnNan>, 3>{
      {{OnNan::Stop, "stop"},
       {OnNan::Skip, "skip"},
       {OnNan::Continue, "continue"}}};
}

}  // namespace pp
