#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/transport/shared_memory/block_pool.h"
#include "runtime/transport/shared_memory/shared_layout.h"
#include "runtime/transport/ticket_queue.h"

namespace pp {

/// A rank of this host whose memory this rank can map.
struct SharedPeer {
  pid_t process = 0;
  std::shared_ptr<SharedSegment> control;
};

/// The messages between this rank and one peer, in both directions.
class SharedLink {
 public:
  SharedLink(int rank, int peer, shared::Control& own, SharedPeer end);

  bool is_closed() const { return control().closed.load() != 0; }
  shared::Control& control() const { return shared::control_of(*end_.control); }

  /// Copies the message into a block of `pool` and publishes it if there is
  /// room. Returns the message's ticket.
  uint64_t send(const Message& message, BlockPool& pool);

  /// Adds the blocks that wait in the backlog to the lane, as far as the lane
  /// has room.
  void publish();

  /// Whether the peer has called recv() for the message with that ticket and
  /// can find the message in the lane.
  bool is_wanted(uint64_t ticket) const {
    return out_.posted.load() > ticket && out_.sent.load() > ticket;
  }

  /// Announces one more receive to the peer. Returns the ticket of the receive.
  uint64_t post();

  /// Moves the messages that have arrived from the lane to `queue`.
  void pull();

  TicketQueue queue;

 private:
  const std::shared_ptr<SharedSegment>& segment(uint64_t index);
  Message read(const shared::Place& place);

  SharedPeer end_;
  shared::Lane& out_;
  shared::Lane& in_;
  std::deque<shared::Place> backlog_;  ///< blocks sent while no slot was free
  uint64_t next_send_ = 0;
  /// The peer's segments that are mapped.
  std::vector<std::shared_ptr<SharedSegment>> segments_;
};

}  // namespace pp
