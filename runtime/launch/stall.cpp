#include "runtime/launch/stall.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

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
  const Doing& doing = state.doing;
  const std::string action = action_text(doing);
  std::string text = name_of(rank, state) + ": ";
  text += action.empty() ? "between steps" : "in " + action;
  if (!state.silence.empty()) {
    return text + " when last heard of; " + state.silence;
  }
  text += doing.waits() ? ", waits for " + awaited_text(doing) : ", at work";
  return text + ", " + seconds_text(doing.seconds);
}

/// From `rank` on, who waits for whom; ends with the one that does not wait,
/// or with one that is in it already.
std::vector<int> chain_from(int rank, const std::vector<RankState>& ranks) {
  std::vector<int> chain = {rank};
  while (true) {
    const RankState& state = ranks.at(static_cast<size_t>(chain.back()));
    if (!state.silence.empty() || !state.doing.waits()) {
      return chain;
    }
    const int next = state.doing.peer;
    const bool closed = std::ranges::find(chain, next) != chain.end();
    chain.push_back(next);
    if (closed) {
      return chain;
    }
  }
}

/// The rank that all wait for in the end; none: they wait in a ring.
std::optional<int> culprit(
    const std::vector<int>& chain, const std::vector<RankState>& ranks) {
  const auto is_silent = [&](int rank) {
    return !ranks.at(static_cast<size_t>(rank)).silence.empty();
  };
  if (is_silent(chain.back())) {
    return chain.back();
  }
  // What the chain does not show: a rank may wait for more than messages.
  for (int rank = 0; rank < static_cast<int>(ranks.size()); ++rank) {
    if (is_silent(rank)) {
      return rank;
    }
  }
  const bool ring = std::ranges::count(chain, chain.back()) > 1;
  return ring ? std::nullopt : std::optional(chain.back());
}

/// "waited 60 s for a message from rank 1" and more about that message.
std::string with_message(const std::string& waited, const Doing& doing) {
  const size_t end = waited.find(" for ");
  return end == std::string::npos || !doing.waits()
             ? waited
             : waited.substr(0, end) + " for " + awaited_text(doing);
}

}  // namespace

Cause explain_stall(const Cause& waited, const std::vector<RankState>& ranks) {
  const std::vector<int> chain = chain_from(waited.rank, ranks);
  const RankState& first = ranks.at(static_cast<size_t>(waited.rank));
  const std::optional<int> last = culprit(chain, ranks);
  Cause cause = waited;
  cause.message = with_message(waited.message, first.doing);
  if (!last) {
    std::string names;
    for (const int rank : chain) {
      names += (names.empty() ? "" : ", ") + std::to_string(rank);
    }
    cause.message += "; ranks " + names +
                     " wait for each other: a message was lost on its way, or "
                     "a link stands still";
  } else if (*last != waited.rank) {
    const RankState& state = ranks.at(static_cast<size_t>(*last));
    const std::string at = state.doing.in_action()
                               ? action_text(state.doing)
                               : "what it does between steps";
    cause.rank = *last;
    cause.host = state.host;
    set_place(cause, state.doing);
    cause.last_seen = !state.silence.empty();
    cause.message =
        (state.silence.empty() ? "has not come out of " + at + " for " +
                                     seconds_text(state.doing.seconds)
                               : "stands still: " + state.silence) +
        "; rank " + std::to_string(waited.rank) + " " + cause.message +
        " (pipeline.stall_timeout)";
  }
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    cause.details.push_back(row(static_cast<int>(rank), ranks[rank]));
  }
  return cause;
}

}  // namespace pp
