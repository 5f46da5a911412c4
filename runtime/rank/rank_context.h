#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "loader/core/log.h"
#include "runtime/options/launcher_kind.h"
#include "runtime/rank/activity.h"
#include "runtime/transport/transport.h"

namespace c10d {
class Store;
}

namespace pp {

class RankDevice;

/// One rank's view of its job: who it is, how it communicates with the other
/// ranks of its group (the whole job or a sub-group), and how it learns of
/// failures. The launcher makes the context and owns the objects that it points
/// to.
struct RankContext {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  LauncherKind launcher = LauncherKind::Local;
  Transport* transport = nullptr;
  Activity* activity = nullptr;
  /// The device that the rank computes on; null: the CPU. Not owned.
  RankDevice* device = nullptr;
  /// For a sub-group: each member's rank in the whole job. Empty if the group
  /// is the whole job.
  std::vector<int> world_ranks;
  int world_rank(int member) const {
    return world_ranks.empty() ? member
                               : world_ranks.at(static_cast<size_t>(member));
  }
  /// The key-value store that all ranks of the job share: in memory for the
  /// launcher `local`, otherwise over TCP.
  c10::intrusive_ptr<c10d::Store> store;
  Log log;
  /// Throws JobFailed if another rank has failed. The check is cheap enough to
  /// make between any two actions.
  std::function<void()> check_interrupted;
  /// Tells every rank at once that this rank has failed. An exception from the
  /// rank's main function does the same; call this function if the rank must
  /// clean up before it throws.
  std::function<void(const std::exception_ptr&)> report_failure;
  /// Makes the job's first failure interrupt one more transport, until
  /// detach().
  std::function<void(Transport&)> attach;
  std::function<void(Transport&)> detach;
  /// The longest time that a wait for a peer may last.
  std::chrono::milliseconds stall_timeout{60000};
};

}  // namespace pp
