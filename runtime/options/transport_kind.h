#pragma once

#include <array>

#include "loader/core/enum_names.h"

namespace pp {

/// How messages travel between processes.
enum class TransportKind {
  Auto,  ///< shared memory within a host, Gloo between hosts
  Gloo,  ///< Gloo everywhere
};

constexpr auto enum_names(TransportKind) {
  return std::array<EnumName<TransportKind>, 2>{
      {{TransportKind::Auto, "auto"}, {TransportKind::Gloo, "gloo"}}};
}

}  // namespace pp
