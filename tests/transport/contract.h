#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "runtime/transport/transport.h"
#include "tests/transport/spawn_ranks.h"

namespace pp::testing {

/// Connects a rank to the others; every rank calls it on its own thread.
using Connect = std::function<std::unique_ptr<Transport>(int rank)>;

struct Backend {
  std::string name;
  std::function<Connect(int num_ranks)> job;
};

/// The name of a test's backend, for INSTANTIATE_TEST_SUITE_P.
inline std::string backend_name(const ::testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

/// Every transport: all_transports(), and the one between threads.
std::vector<Backend> backends();

/// Tests what every transport must do, with threads as ranks.
class TransportContract : public ::testing::TestWithParam<Backend> {
 protected:
  static constexpr std::chrono::milliseconds kSoon{20000};

  /// Runs `body` on each rank. A rank stays connected until all are done.
  void run(
      int num_ranks, const std::function<void(Transport& transport)>& body);
};

/// A message whose microbatch and content are `number`.
Message numbered(int number);

/// The text of the Error that `body` throws; empty if none.
std::string error_of(const std::function<void()>& body);

}  // namespace pp::testing
