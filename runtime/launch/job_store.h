#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "runtime/launch/launch.h"
#include "runtime/launch/master_address.h"
#include "runtime/launch/secret_check.h"

namespace c10d {
class Store;
}

namespace pp {

/// The time that a rank waits before it reports what it is waiting for.
inline constexpr std::chrono::milliseconds kAnnounceAfter{5000};

/// The connections of one process to the store of its job.
struct JobStore {
  /// Serves the store until this pointer is released; null if another process
  /// serves the store.
  c10::intrusive_ptr<c10d::Store> server;
  c10::intrusive_ptr<c10d::Store> main;   ///< for the rank's own thread
  c10::intrusive_ptr<c10d::Store> watch;  ///< for the watcher's thread
  /// For the thread that connects the rank to the other ranks; it may block.
  c10::intrusive_ptr<c10d::Store> transport;
  std::string name;  ///< the store's address, "127.0.0.1:29500"
  std::string job;   ///< string that identifies the job; no other job has it
  /// Which processes were refused for their secret; set by join_store().
  std::optional<SecretCheck> secret_check;
  std::vector<int> sockets;  ///< descriptors of the three connections
};

/// Makes each call on the store throw c10::DistNetworkError if the store
/// doesn't answer within `limit`. By default c10d waits forever.
void limit_answers(const JobStore& store, std::chrono::milliseconds limit);

/// Makes each call on the store fail at once, on any thread, even one that is
/// in progress.
void end_calls(const JobStore& store);

/// Connects to the job's store and claims this rank's number there. Rank 0
/// serves the store at the master's address unless the launcher does. With a
/// secret, all connections of the result are views that sign: SignedStore.
/// throws  Error(Runtime): another job or another program uses the port, the
///         job has another secret, another process has this rank's number, or
///         there is no store within join_timeout; JobFailed: options.stop was
///         requested while waiting
JobStore join_store(const EnvRanks& ranks, const LaunchOptions& options);

/// Serves a store for processes of this machine at a free port, as torchrun
/// does, and writes the port to `ranks`, so that launch_env() can join the
/// store. Sets only `server` and `main` of the result.
JobStore serve_store(EnvRanks& ranks);

/// Returns a function that throws JobFailed once options.stop is requested.
KeepWaiting until_stopped(const EnvRanks& ranks, const LaunchOptions& options);

}  // namespace pp
