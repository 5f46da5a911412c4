#pragma once

#include <algorithm>
#include <chrono>
#include <span>
#include <vector>

namespace pp::benchmarks {

/// Time of an operator that a program calls, and of the same call from C++, in
/// ns. Forward, without grad, on tiny tensors, so that the call dominates.
struct ProgramOverhead {
  double program_ns = 0;  ///< an operator
  double direct_ns = 0;   ///< the same operator
};
ProgramOverhead program_overhead();

/// Time that a step spends outside its stages when no peer makes it wait.
struct ExecutorOverhead {
  double action_ns = 0;  ///< an action
  int actions = 0;       ///< of the step
};
ExecutorOverhead executor_overhead();

/// A message of 4 MiB from one rank to another on this host.
struct MessageSpeed {
  double local_us = 0;   ///< between threads: handed over, not copied
  double shared_gb = 0;  ///< between processes' memory, GB/s
  double gloo_gb = 0;
  double tcp_gb = 0;  ///< what bare sockets make on the loopback
};
MessageSpeed message_speed();

inline double median(std::vector<double> values) {
  std::ranges::nth_element(
      values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

template <typename Body>
double seconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace pp::benchmarks
