// overheads
//
// Measures the runtime's own cost, apart from operators and their work: per
// operator of a program, per action of the executor, per path of a message.

#include <cstdio>

#include "benchmarks/overheads/overheads.h"
#include "loader/core/heap.h"

int main() {
  pp::keep_freed_memory();
  const pp::benchmarks::ProgramOverhead program =
      pp::benchmarks::program_overhead();
  const pp::benchmarks::ExecutorOverhead executor =
      pp::benchmarks::executor_overhead();
  const pp::benchmarks::MessageSpeed message = pp::benchmarks::message_speed();
  const auto row = [](const char* what,
                      double figure,
                      const char* unit,
                      double aim,
                      bool at_most) {
    const bool met = at_most ? figure <= aim : figure >= aim;
    std::printf(
        "| %s | %.3g%s | %s %.3g%s | %s |\n",
        what,
        figure,
        unit,
        at_most ? "<=" : ">=",
        aim,
        unit,
        met ? "met" : "missed");
  };
  std::printf("| measure | figure | aim | |\n|---|---|---|---|\n");
  row("an operator of a program, beyond a direct call",
      1e-3 * (program.program_ns - program.direct_ns),
      " us",
      0.3,
      true);
  row("an action, outside of operators and waits",
      1e-3 * executor.action_ns,
      " us",
      2,
      true);
  row("4 MiB handed over between thread ranks",
      message.local_us,
      " us",
      2,
      true);
  row("4 MiB through Gloo on the loopback, against bare TCP",
      message.gloo_gb / message.tcp_gb,
      "",
      0.9,
      false);
  std::printf(
      "\nAn operator takes %.0f ns by a program, %.0f ns by a direct call. "
      "Gloo %.2f GB/s, bare TCP %.2f GB/s, shared memory %.2f GB/s.\n",
      program.program_ns,
      program.direct_ns,
      message.gloo_gb,
      message.tcp_gb,
      message.shared_gb);
  return 0;
}
