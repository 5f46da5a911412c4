#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "runtime/launch/launch.h"

namespace c10d {
class Store;
}

namespace pp {

/// The connections of one process to the store of its job.
struct JobStore {
  /// Serves the store as long as it lives; null if another process does.
  c10::intrusive_ptr<c10d::Store> server;
  c10::intrusive_ptr<c10d::Store> main;   ///< of the rank's own thread
  c10::intrusive_ptr<c10d::Store> watch;  ///< of the watcher
  std::string name;                       ///< "127.0.0.1:29500"
  std::vector<int> sockets;               ///< of `main` and `watch`
};

/// From now on a call on `main` or `watch` fails (c10::DistNetworkError) where
/// the store does not answer for so long. c10d itself waits for ever.
void limit_answers(const JobStore& store, std::chrono::milliseconds limit);

/// Rank 0 serves the store at the master's address unless the launcher does;
/// every rank connects.
/// throws Error(Runtime): the port is taken; nobody serves within join_timeout
///        JobFailed: options.stop was requested meanwhile
JobStore join_store(const EnvRanks& ranks, const LaunchOptions& options);

/// Serves a store for processes of this machine, at a free port, the way
/// torchrun does, so that launch_env joins it. `watch` is not set.
JobStore serve_store(int* port);

/// An address of this machine that the job's other ranks can reach: the one
/// that it talks to the master from.
/// throws Error(Runtime): the master's name does not resolve
std::string reachable_address(const EnvRanks& ranks);

}  // namespace pp
