#pragma once

#include <array>

#include "loader/core/enum_names.h"

namespace pp {

/// How dropout and batch norm behave.
enum class Mode {
  Exported,  ///< as the export recorded it
  Train,
  Eval,
};

constexpr auto enum_names(Mode) {
  return std::array<EnumName<Mode>, 3>{
      {{Mode::Exported, "exported"},
       {Mode::Train, "train"},
       {Mode::Eval, "eval"}}};
}

}  // namespace pp
