#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/options/transport_kind.h"
#include "runtime/transport/transport_end.h"

namespace pp {

/// One row of the table of transports between processes.
struct TransportEntry {
  std::string_view name;
  /// The option with which users choose it for all pairs of ranks. Users can't
  /// choose a transport that doesn't reach every rank: it has nullopt, and
  /// ranks find out which peers it reaches by trying.
  std::optional<TransportKind> kind;
  /// Makes this rank's end, which is not connected yet.
  std::unique_ptr<TransportEnd> (*make_end)(const JobMember& self);
};

/// All transports between processes, fastest first.
std::span<const TransportEntry> all_transports();

/// Connects the ranks of a job whose ranks are processes; every rank calls it.
/// With TransportKind::Auto each pair uses the first transport over which both
/// reach each other, even across containers. A transport that no pair needs
/// opens no connection.
/// throws Error(Runtime): a peer that can't be reached
std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, TransportKind kind = TransportKind::Auto);

/// Connects all ranks by one transport; for tests and measurements.
std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, const TransportEntry& transport);

}  // namespace pp
