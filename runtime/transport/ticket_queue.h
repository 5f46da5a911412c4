#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/transport/message.h"

namespace pp {

/// The messages from one rank to another, in order. A message and the receive
/// that gets it have the same ticket: their position in that order.
class TicketQueue {
 public:
  /// The ticket of the next receive.
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

  /// Returns the message's ticket.
  uint64_t push(Message message) {
    const uint64_t ticket = first_ + sent_.size();
    sent_.emplace_back(std::move(message));
    if (std::erase(abandoned_, ticket) > 0) {
      take(ticket);
    }
    return ticket;
  }

  /// Drops the message with that ticket, whether it has arrived or not.
  void abandon(uint64_t ticket) {
    if (has(ticket)) {
      take(ticket);
    } else {
      abandoned_.push_back(ticket);
    }
  }

 private:
  /// The messages sent so far, from ticket `first_` on; nullopt: taken.
  std::deque<std::optional<Message>> sent_;
  uint64_t first_ = 0;
  uint64_t next_ticket_ = 0;
  std::vector<uint64_t> abandoned_;
};

}  // namespace pp
