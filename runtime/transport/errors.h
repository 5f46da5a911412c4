#pragma once

#include <chrono>
#include <string>

#include "loader/core/error.h"

// The errors that all transports have in common.

namespace pp {

inline Error peer_closed(int peer) {
  return runtime_error(
      "rank " + std::to_string(peer) + " closed its connection");
}

/// The error of a wait that ran out of time.
class Stalled : public Error {
 public:
  using Error::Error;
};

/// Returns a duration as text: "60 s", "1500 ms".
inline std::string time_text(std::chrono::milliseconds time) {
  const auto ms = time.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s"
                        : std::to_string(ms) + " ms";
}

/// Makes the error of a wait for a message that ran out of time.
///
/// direction  the message's direction: "from" or "to"
inline Stalled waited_too_long(
    std::chrono::milliseconds timeout, const std::string& direction, int peer) {
  return {
      ErrorKind::Runtime,
      "waited " + time_text(timeout) + " for a message " + direction +
          " rank " + std::to_string(peer)};
}

/// Checks that `peer` is one of the `size` ranks, and not this one.
inline void check_peer(int peer, int rank, int size) {
  check(
      peer >= 0 && peer < size && peer != rank,
      "the peer must be another rank of the job");
}

}  // namespace pp
