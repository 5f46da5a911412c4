#include <algorithm>
#include <cstdio>

#include <ATen/ops/full.h>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

class Latency : public TransportContract {};

// Records figures rather than checking them: a busy machine says little. The
// bounds are only there to catch a wait that polls or times out.
TEST_P(Latency, OfAHandOverThereAndBack) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 500;
  run(2, [&](Transport& t) {
    std::vector<double> micros;
    for (int i = 0; i < kRounds; ++i) {
      const auto start = Clock::now();
      if (t.rank() == 0) {
        const auto back = t.recv(1);
        t.send(numbered(i), 1)->wait(kSoon);
        back->wait(kSoon);
      } else {
        Message got = t.recv(0)->wait(kSoon);
        t.send(std::move(got), 0)->wait(kSoon);
      }
      const std::chrono::duration<double, std::micro> took =
          Clock::now() - start;
      micros.push_back(took.count() / 2);
    }
    if (t.rank() == 0) {
      std::ranges::sort(micros);
      RecordProperty("one_way_us_min", std::to_string(micros.front()));
      RecordProperty("one_way_us_median", std::to_string(micros[kRounds / 2]));
      std::printf(
          "%s: one way %.2f us at best, %.2f us median\n",
          GetParam().name.c_str(),
          micros.front(),
          micros[kRounds / 2]);
      EXPECT_LT(micros[kRounds / 2], 20000);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Transports, Latency, ::testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace pp::testing
