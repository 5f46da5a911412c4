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
  /// The option with which users choose this transport for all pairs of ranks;
  /// nullopt: users can't choose it, because it doesn't reach every rank. The
  /// ranks find out which peers it reaches.
  std::optional<TransportKind> kind;
  /// Makes this rank's end of the transport, which is not connected yet.
  std::unique_ptr<TransportEnd> (*make_end)(const JobMember& self);
};

/// Returns all transports between processes, fastest first.
std::span<const TransportEntry> all_transports();

/// Connects the ranks of a job whose ranks are processes. Every rank calls it.
/// With TransportKind::Auto, each pair of ranks uses the first transport over
/// which the two reach each other, even across containers. A transport that no
/// pair needs opens no connection.
/// throws  Error(Runtime): a peer can't be reached
std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, TransportKind kind = TransportKind::Auto);

/// Connects all ranks over one transport. For tests and measurements.
std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, const TransportEntry& transport);

}  // namespace pp
