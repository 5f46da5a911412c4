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

/// "60 s", "1500 ms"
inline std::string time_text(std::chrono::milliseconds time) {
  const auto ms = time.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s"
                        : std::to_string(ms) + " ms";
}

/// direction  of the message: "from" or "to"
inline Stalled waited_too_long(
    std::chrono::milliseconds timeout, const std::string& direction, int peer) {
  return Stalled(
      ErrorKind::Runtime,
      "waited " + time_text(timeout) + " for a message " + direction +
          " rank " + std::to_string(peer));
}

}  // namespace pp
