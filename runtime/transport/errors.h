#pragma once

#include <chrono>
#include <string>

#include "loader/core/error.h"

// One wording for every transport.

namespace pp {

inline Error peer_closed(int peer) {
  return runtime_error(
      "rank " + std::to_string(peer) + " closed its connection");
}

/// A wait that lasted as long as it may.
class Stalled : public Error {
 public:
  using Error::Error;
};

/// direction  of the message: "from" or "to"
inline Stalled waited_too_long(
    std::chrono::milliseconds timeout, const std::string& direction, int peer) {
  const auto ms = timeout.count();
  const std::string time = ms % 1000 == 0 ? std::to_string(ms / 1000) + " s"
                                          : std::to_string(ms) + " ms";
  return Stalled(
      ErrorKind::Runtime,
      "waited " + time + " for a message " + direction + " rank " +
          std::to_string(peer));
}

}  // namespace pp
