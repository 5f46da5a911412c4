#include "runtime/launch/stall.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "loader/core/text.h"

namespace pp {

namespace {

std::string seconds_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", value);
  return text.data();
}

std::string name_of(int rank, const RankState& state) {
  return "rank " + std::to_string(rank) +
         (state.host.empty() ? "" : " (" + state.host + ")");
}

std::string row(int rank, const RankState& state) {
  const ActivityState& activity = state.activity;
  const std::string action = action_text(activity);
  std::string text = name_of(rank, state) + ": ";
  text += action.empty() ? "between steps" : "in " + action;
  if (!state.silence.empty()) {
    return text + " when last heard from; " + state.silence;
  }
  text += activity.waits() ? ", waiting for " + awaited_text(activity)
                           : ", running";
  return text + ", " + seconds_text(activity.seconds);
}

/// The ranks that wait for each other, starting with `rank`. Ends with one that
/// doesn't wait, or with the second occurrence of a rank.
std::vector<int> chain_from(int rank, const std::vector<RankState>& ranks) {
  std::vector<int> chain = {rank};
  while (true) {
    const RankState& state = ranks.at(static_cast<size_t>(chain.back()));
    if (!state.silence.empty() || !state.activity.waits()) {
      return chain;
    }
    const int next = state.activity.peer;
    if (static_cast<size_t>(next) >= ranks.size()) {
      return chain;  // no rank has this number
    }
    const bool closed = std::ranges::find(chain, next) != chain.end();
    chain.push_back(next);
    if (closed) {
      return chain;
    }
  }
}

/// The rank that all wait for in the end; nothing if they wait in a ring.
std::optional<int> culprit(
    const std::vector<int>& chain, const std::vector<RankState>& ranks) {
  const auto is_silent = [&](int rank) {
    return !ranks.at(static_cast<size_t>(rank)).silence.empty();
  };
  if (is_silent(chain.back())) {
    return chain.back();
  }
  // The chain doesn't show everything: ranks wait for more than messages.
  for (int rank = 0; rank < static_cast<int>(ranks.size()); ++rank) {
    if (is_silent(rank)) {
      return rank;
    }
  }
  const bool ring = std::ranges::count(chain, chain.back()) > 1;
  return ring ? std::nullopt : std::optional(chain.back());
}

/// "waited 60 s for a message from rank 1", completed by which message it is.
std::string with_message(
    const std::string& waited, const ActivityState& activity) {
  const size_t end = waited.find(" for ");
  return end == std::string::npos || !activity.waits()
             ? waited
             : waited.substr(0, end) + " for " + awaited_text(activity);
}

}  // namespace

Cause explain_stall(const Cause& waited, const std::vector<RankState>& ranks) {
  const std::vector<int> chain = chain_from(waited.rank, ranks);
  const RankState& first = ranks.at(static_cast<size_t>(waited.rank));
  const std::optional<int> last = culprit(chain, ranks);
  Cause cause = waited;
  cause.message = with_message(waited.message, first.activity);
  if (!last) {
    cause.message += "; ranks " + join(chain) +
                     " wait for each other: a message was lost, or a link is "
                     "stuck";
  } else if (*last != waited.rank) {
    const RankState& state = ranks.at(static_cast<size_t>(*last));
    const std::string at = state.activity.in_action()
                               ? "in " + action_text(state.activity)
                               : "between steps";
    cause.rank = *last;
    cause.host = state.host;
    set_place(cause, state.activity);
    cause.last_seen = !state.silence.empty();
    cause.message =
        (state.silence.empty()
             ? "has been " + at + " for " + seconds_text(state.activity.seconds)
             : "doesn't respond: " + state.silence) +
        "; rank " + std::to_string(waited.rank) + " " + cause.message +
        " (pipeline.stall_timeout)";
  }
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    cause.details.push_back(row(static_cast<int>(rank), ranks[rank]));
  }
  return cause;
}

}  // namespace pp
