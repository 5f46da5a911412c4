#pragma once

#include <array>

#include "loader/core/enum_names.h"

namespace pp {

/// The type in which autocast computes the forward pass.
enum class Precision {
  Float32,  ///< no autocast
  BFloat16,
  Float16,  ///< the loss is scaled, see LossScale
};

constexpr auto enum_names(Precision) {
  return std::array<EnumName<Precision>, 3>{
      {{Precision::Float32, "fp32"},
       {Precision::BFloat16, "bf16"},
       {Precision::Float16, "fp16"}}};
}

}  // namespace pp
