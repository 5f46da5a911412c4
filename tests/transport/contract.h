#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "runtime/transport/transport.h"
#include "tests/transport/spawn_ranks.h"

namespace pp::testing {

/// Makes the ends of one job; every rank calls the result on its own thread.
using Connect = std::function<std::unique_ptr<Transport>(int rank)>;

struct Backend {
  std::string name;
  std::function<Connect(int num_ranks)> job;
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

std::vector<Backend> backends();

/// What every transport does, tested on all of them with threads as ranks.
class TransportContract : public ::testing::TestWithParam<Backend> {
 protected:
  static constexpr std::chrono::milliseconds kSoon{20000};

  /// Runs `body` on each rank. A rank stays connected until all are done.
  void run(
      int num_ranks, const std::function<void(Transport& transport)>& body);
};

/// A message that carries its number.
Message numbered(int number);

/// The text of the Error that `body` throws; empty if none.
std::string error_of(const std::function<void()>& body);

}  // namespace pp::testing
