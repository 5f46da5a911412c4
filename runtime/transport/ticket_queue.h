#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/transport/message.h"

namespace pp {

/// The messages from one rank to another, in order. A message and the receive
/// that gets it have the same ticket, which is their position in that order.
class TicketQueue {
 public:
  /// Returns the ticket of the next receive.
  uint64_t next_ticket() { return next_ticket_++; }

  bool has(uint64_t ticket) const { return ticket < first_ + sent_.size(); }

  Message take(uint64_t ticket) {
    Message message = *std::exchange(sent_[ticket - first_], std::nullopt);
    while (!sent_.empty() && !sent_.front()) {
      sent_.pop_front();
      ++first_;
    }
    return message;
  }

  /// Appends a message that has arrived. Returns its ticket.
  uint64_t push(Message message) {
    const uint64_t ticket = first_ + sent_.size();
    sent_.emplace_back(std::move(message));
    if (std::erase(abandoned_, ticket) > 0) {
      take(ticket);
    }
    return ticket;
  }

  /// Drops the message with that ticket, now or when it arrives.
  void abandon(uint64_t ticket) {
    if (has(ticket)) {
      take(ticket);
    } else {
      abandoned_.push_back(ticket);
    }
  }

 private:
  /// The messages that have arrived, from ticket `first_` on; nullopt: already
  /// returned.
  std::deque<std::optional<Message>> sent_;
  uint64_t first_ = 0;
  uint64_t next_ticket_ = 0;
  std::vector<uint64_t> abandoned_;
};

}  // namespace pp
