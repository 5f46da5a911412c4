#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <c10/util/intrusive_ptr.h>

#include "loader/core/log.h"
#include "runtime/transport/transport.h"

namespace c10d {
class Store;
}

namespace pp {

enum class LauncherKind { Local, Processes, Env };

/// What one rank needs to take part in a job.
struct RankContext {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  LauncherKind launcher = LauncherKind::Local;
  Transport* transport = nullptr;  ///< owned by the launcher
  /// Shared by the job's ranks: in memory for `local`, else TCP.
  c10::intrusive_ptr<c10d::Store> store;
  Log log;
  /// Throws JobFailed if a first cause is known. Cheap; called between actions.
  std::function<void()> check_interrupted;
  /// How long a wait for a peer may last.
  std::chrono::milliseconds stall_timeout{60000};
};

}  // namespace pp
