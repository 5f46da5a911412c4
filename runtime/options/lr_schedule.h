#pragma once

#include <array>
#include <cstdint>

#include "loader/core/enum_names.h"

namespace pp {

/// How the learning rate changes after the warm-up. learning_rate()
/// (runtime/optim/lr_schedule.h) has the formulas.
enum class LrShape { Constant, Linear, Cosine };

constexpr auto enum_names(LrShape) {
  return std::array<EnumName<LrShape>, 3>{
      {{LrShape::Constant, "constant"},
       {LrShape::Linear, "linear"},
       {LrShape::Cosine, "cosine"}}};
}

/// `train.lr_schedule`: how the learning rate changes over the run.
struct LrSchedule {
  LrShape shape = LrShape::Constant;
  int64_t warmup = 0;  ///< number of steps over which the rate rises to lr
  double min_lr = 0;   ///< the rate at which linear and cosine end
  bool operator==(const LrSchedule&) const = default;
};

}  // namespace pp
