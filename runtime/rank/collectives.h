#pragma once

#include <string>
#include <vector>

#include "runtime/rank/rank_context.h"

// Collective operations for a few small values, which all go through rank 0.
// Every rank calls the same function at the same point of its program. By then,
// recv() must have been called for each earlier message to or from rank 0.

namespace pp {

/// On rank 0, returns every rank's message in rank order, including its own. On
/// other ranks, returns an empty list.
/// throws  what Pending::wait throws, whose timeout is context.stall_timeout
std::vector<Message> gather(RankContext& context, Message own);

/// Returns rank 0's message on every rank. What the other ranks pass is
/// ignored.
/// throws  what Pending::wait throws, whose timeout is context.stall_timeout
Message broadcast(RankContext& context, Message message);

/// gather_text() and broadcast_text() are gather() and broadcast() for texts.
std::vector<std::string> gather_text(
    RankContext& context, const std::string& own);
std::string broadcast_text(RankContext& context, const std::string& text);

/// Returns every rank's text on every rank, in rank order.
std::vector<std::string> all_gather_text(
    RankContext& context, const std::string& own);

/// Returns once every rank has called it.
void barrier(RankContext& context);

/// Converts a text to a message; text_of() converts it back.
/// throws  Error(Runtime): text_of() gets a message that contains no text
Message text_message(const std::string& text);
std::string text_of(const Message& message);

/// Returns a context for collectives in which ranks wait for another rank's
/// disk. It has a longer timeout, because hashing or copying whole files may
/// take longer than any message.
RankContext for_disk_waits(const RankContext& context);
/// A barrier at which ranks wait for another rank's disk, see for_disk_waits().
void barrier_for_disk(const RankContext& context);

}  // namespace pp
