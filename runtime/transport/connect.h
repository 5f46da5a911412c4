#pragma once

#include <memory>

#include "runtime/transport/gloo.h"
#include "runtime/transport/transport.h"

namespace pp {

/// How messages travel between processes.
enum class TransportKind {
  Auto,  ///< shared memory within a host, Gloo between hosts
  Gloo,  ///< Gloo everywhere
};

/// Connects the ranks of a job whose ranks are processes. Every rank calls it,
/// with a store of the same content. Who shares a host is found out by trying:
/// two ranks use shared memory where each sees the other's, containers or not.
/// Where all do, no connection is opened.
/// throws Error(Runtime): a peer that can't be reached
std::unique_ptr<Transport> connect_ranks(
    const c10::intrusive_ptr<c10d::Store>& store,
    int rank,
    int size,
    TransportKind kind,
    const GlooOptions& gloo);

}  // namespace pp
