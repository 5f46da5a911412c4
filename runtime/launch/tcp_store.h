#pragma once

#include <chrono>
#include <set>
#include <string>

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "runtime/secret/job_secret.h"

namespace pp {

/// The time that c10d waits inside a call. No call waits for another rank
/// inside the store, so one that takes longer means that the store is gone.
inline constexpr std::chrono::milliseconds kStoreTimeout{20000};

/// Returns the options of a connection to a store.
c10d::TCPStoreOptions client_options(int port);

/// Serves a store on every address of this machine. c10d's server also connects
/// to itself, so it isn't given MASTER_ADDR, where another machine may be.
c10::intrusive_ptr<c10d::TCPStore> make_server(int port);

/// Serves a store for the processes of this machine, at a free port. c10d's
/// server listens on every address unless it is given a socket.
c10::intrusive_ptr<c10d::TCPStore> make_local_server();

/// Returns this process's sockets that are connected to that port.
std::set<int> connections_to(int port);

/// Returns the keys of `store` below a prefix, for every process.
c10::intrusive_ptr<c10d::Store> open_keys(
    const c10::intrusive_ptr<c10d::Store>& store, const std::string& prefix);

/// Returns the keys of `store` below a prefix, which only processes with the
/// job's secret can use. If there is no secret, every process can.
c10::intrusive_ptr<c10d::Store> keys_of_job(
    const c10::intrusive_ptr<c10d::Store>& store,
    const JobSecret& secret,
    const std::string& prefix);

}  // namespace pp
