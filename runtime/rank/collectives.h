#pragma once

#include <string>
#include <vector>

#include "runtime/rank/rank_context.h"

// Collective operations for few and small values between steps. Every rank
// calls the same function at the same point of its program, while no other
// message to or from rank 0 is in flight. All go through rank 0.

namespace pp {

/// Returns every rank's message on rank 0, in rank order, its own included;
/// nothing on the others.
/// throws Error(Runtime): as Pending::wait, after context.stall_timeout
std::vector<Message> gather(RankContext& context, Message own);

/// Returns rank 0's message on every rank; what the others pass is ignored.
/// throws Error(Runtime): as Pending::wait, after context.stall_timeout
Message broadcast(RankContext& context, Message message);

/// gather() and broadcast() for texts.
std::vector<std::string> gather_text(
    RankContext& context, const std::string& own);
std::string broadcast_text(RankContext& context, const std::string& text);

/// Returns every rank's text on every rank, in rank order.
std::vector<std::string> all_gather_text(
    RankContext& context, const std::string& own);

/// Returns once every rank has called it.
void barrier(RankContext& context);

/// Converts a text to a message and back.
/// throws Error(Runtime): the message isn't a text
Message text_message(const std::string& text);
std::string text_of(const Message& message);

/// Returns the context for collectives in which ranks wait for another one's
/// disk: it hashes or copies whole files, which may take longer than any
/// message.
RankContext for_disk_waits(const RankContext& context);
/// A barrier at which ranks wait for another one's disk.
void barrier_for_disk(const RankContext& context);

}  // namespace pp
