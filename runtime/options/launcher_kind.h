#pragma once

#include <array>

#include "loader/core/enum_names.h"

namespace pp {

/// The kinds of launcher; the comments say what a rank is.
enum class LauncherKind {
  Local,      ///< a thread of this process
  Processes,  ///< a process that `pp` starts
  Env,        ///< a process that torchrun, Slurm or Open MPI started
};

constexpr auto enum_names(LauncherKind) {
  return std::array<EnumName<LauncherKind>, 3>{
      {{LauncherKind::Local, "local"},
       {LauncherKind::Processes, "processes"},
       {LauncherKind::Env, "env"}}};
}

}  // namespace pp
