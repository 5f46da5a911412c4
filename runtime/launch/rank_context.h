#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "loader/core/log.h"
#include "runtime/launch/activity.h"
#include "runtime/transport/transport.h"

namespace c10d {
class Store;
}

namespace pp {

class RankDevice;

enum class LauncherKind { Local, Processes, Env };

/// What one rank needs to take part in a job.
struct RankContext {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  LauncherKind launcher = LauncherKind::Local;
  Transport* transport = nullptr;  ///< owned by the launcher
  Activity* activity = nullptr;    ///< the launcher's: what the rank is at
  /// What the rank computes on; null: the CPU. Not owned.
  RankDevice* device = nullptr;
  /// Of a part of the job's ranks: their numbers in the job. Empty: these.
  std::vector<int> world_ranks;
  int world_rank(int of) const {
    return world_ranks.empty() ? of : world_ranks.at(static_cast<size_t>(of));
  }
  /// Shared by the job's ranks: in memory for `local`, else TCP.
  c10::intrusive_ptr<c10d::Store> store;
  Log log;
  /// Throws JobFailed if a first cause is known. Cheap; called between actions.
  std::function<void()> check_interrupted;
  /// Tells every rank at once that this one has failed, before it tidies up.
  /// The launcher does so when the rank's main function throws.
  std::function<void(const std::exception_ptr&)> report_failure;
  /// Has the first cause interrupt one more transport, and no longer.
  std::function<void(Transport&)> attach;
  std::function<void(Transport&)> detach;
  /// How long a wait for a peer may last.
  std::chrono::milliseconds stall_timeout{60000};
};

}  // namespace pp
