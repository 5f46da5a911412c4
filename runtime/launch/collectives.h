#pragma once

#include <string>
#include <vector>

#include "runtime/launch/rank_context.h"

// For few and small values between steps: every rank calls the same function
// at the same point of its program, with no other message to or from rank 0
// under way.

namespace pp {

/// Rank 0 gets every rank's message, in rank order, its own included; the
/// others get nothing.
/// throws Error(Runtime): as Pending::wait, after context.stall_timeout
std::vector<Message> gather(RankContext& context, Message mine);

/// Every rank gets rank 0's message; what others pass is not used.
/// throws Error(Runtime): as Pending::wait, after context.stall_timeout
Message broadcast(RankContext& context, Message message);

/// The same of texts.
std::vector<std::string> gather_text(
    RankContext& context, const std::string& mine);
std::string broadcast_text(RankContext& context, const std::string& text);

/// Every rank gets every rank's text, in rank order.
std::vector<std::string> all_gather_text(
    RankContext& context, const std::string& mine);

/// Returns once every rank has called it.
void barrier(RankContext& context);

/// A text as a message, and back.
Message text_message(const std::string& text);
std::string text_of(const Message& message);

}  // namespace pp
