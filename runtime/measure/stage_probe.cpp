#include "runtime/measure/stage_probe.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/full_like.h>

#include "runtime/measure/allocations.h"

namespace pp {

namespace {

// Neither so small that it becomes denormal, which slows the processor down,
// nor so large that it overflows on its way.
constexpr double kMadeUpGradient = 1e-3;

Message copy_of(const Message& message) {
  Message copy = message;
  for (at::Tensor& tensor : copy.tensors) {
    tensor = tensor.clone();
  }
  return copy;
}

Message gradients_like(const Message& sent) {
  Message out;
  for (size_t i = 0; i < sent.tensors.size(); ++i) {
    out.tensors.push_back(
        sent.requires_grad[i] != 0
            ? at::full_like(sent.tensors[i], kMadeUpGradient)
            : at::Tensor());
    out.requires_grad.push_back(0);
  }
  return out;
}

int64_t num_bytes(const Message& message) {
  int64_t sum = 0;
  for (const at::Tensor& tensor : message.tensors) {
    sum += tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
  }
  return sum;
}

double median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

class Prober {
 public:
  Prober(Stage& stage, const ProbeInput& input)
      : stage_(stage),
        input_(input),
        previous_(input.previous == nullptr ? Message{} : *input.previous) {}

  StageProbe run(int num_timed) {
    StageProbe probe;
    const auto ledger = std::make_shared<AllocationLedger>();
    {
      const AllocationWatch watch(ledger);
      probe.to_next = forward(previous_);
      if (trains()) {
        const Message gradients = gradients_like(probe.to_next);
        stage_.backward(0, gradients);  // allocates the parameters' gradients
      }
      measure_full(*ledger, probe);
      if (trains()) {
        measure_split(*ledger, probe.memory);
      }
    }
    for (const StageState& state : stage_.states()) {
      probe.memory.gradients +=
          state.tensor.grad().defined()
              ? static_cast<int64_t>(state.tensor.grad().nbytes())
              : 0;
    }
    probe.cost = {.forward = 0, .input = 0, .weight = 0, .backward = 0};
    probe.cost.activation_bytes = probe.memory.kept + probe.memory.input;
    probe.cost.weight_bytes = probe.memory.kept_for_weight;
    probe.cost.output_bytes = num_bytes(probe.to_next);
    probe.cost.gradient_bytes = probe.memory.input_gradient;
    time(num_timed, probe);
    return probe;
  }

 private:
  bool trains() const { return input_.pass == Pass::Train; }

  /// Runs the forward as the executor does: the model's outputs are freed when
  /// it returns.
  Message forward(const Message& previous) {
    StageResult result = stage_.forward(
        0,
        previous,
        input_.user_inputs,
        {0, 0, 0},
        input_.pass,
        trains() ? input_.loss : OutputsCallback());
    return std::move(result.to_next);
  }

  /// Returns the most bytes that `action` allocates on top of what is there.
  template <typename Action>
  int64_t peak_of(AllocationLedger& ledger, Action action) {
    const int64_t before = ledger.live();
    ledger.reset_peak();
    action();
    return ledger.peak() - before;
  }

  void measure_full(AllocationLedger& ledger, StageProbe& probe) {
    StageMemory& memory = probe.memory;
    const int64_t base = ledger.live();
    Message previous = copy_of(previous_);
    memory.input = ledger.live() - base;
    Message sent;
    memory.forward_work = peak_of(ledger, [&] { sent = forward(previous); });
    previous = {};
    const int64_t with_output = ledger.live();
    sent = {};
    memory.output = with_output - ledger.live();
    if (!trains()) {
      return;
    }
    memory.kept = ledger.live() - base - memory.input;
    const int64_t kept = ledger.live();
    Message gradients = gradients_like(probe.to_next);
    memory.output_gradient = ledger.live() - kept;
    Message back;
    memory.backward_work =
        peak_of(ledger, [&] { back = stage_.backward(0, gradients); });
    gradients = {};
    const int64_t with_back = ledger.live();
    back = {};
    memory.input_gradient = with_back - ledger.live();
  }

  void measure_split(AllocationLedger& ledger, StageMemory& memory) {
    const int64_t base = ledger.live();
    Message previous = copy_of(previous_);
    Message sent = forward(previous);
    previous = {};
    Message gradients = gradients_like(sent);
    sent = {};
    Message back;
    memory.input_work =
        peak_of(ledger, [&] { back = stage_.backward_input(0, gradients); });
    gradients = {};
    back = {};
    memory.kept_for_weight = ledger.live() - base;
    memory.weight_work = peak_of(ledger, [&] { stage_.backward_weight(0); });
  }

  template <typename Action>
  static void timed(std::vector<double>& times, Action action) {
    const double start = now();
    action();
    times.push_back(now() - start);
  }

  /// Returns seconds of CPU time if the stage uses one thread, so that other
  /// processes on its core don't count; else of wall time.
  static double now() {
    timespec time{};
    clock_gettime(
        at::get_num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
        &time);
    return static_cast<double>(time.tv_sec) +
           1e-9 * static_cast<double>(time.tv_nsec);
  }

  /// Times F, B, I and W. B alternates with the pair I and W, each after its
  /// own forward.
  void time(int num_timed, StageProbe& probe) {
    std::vector<double> forwards;
    std::vector<double> inputs;
    std::vector<double> weights;
    std::vector<double> fulls;
    std::vector<double> ratios;
    for (int i = 0; i < num_timed; ++i) {
      timed(forwards, [&] { forward(previous_); });
      if (!trains()) {
        continue;
      }
      const Message gradients = gradients_like(probe.to_next);
      timed(fulls, [&] { stage_.backward(0, gradients); });
      timed(forwards, [&] { forward(previous_); });
      timed(inputs, [&] { stage_.backward_input(0, gradients); });
      timed(weights, [&] { stage_.backward_weight(0); });
      ratios.push_back((inputs.back() + weights.back()) / fulls.back());
    }
    probe.split_ratio = median(std::move(ratios));
    probe.cost.forward = median(std::move(forwards));
    probe.cost.input = median(std::move(inputs));
    probe.cost.weight = median(std::move(weights));
    probe.cost.backward = median(std::move(fulls));
  }

  Stage& stage_;
  const ProbeInput& input_;
  Message previous_;
};

}  // namespace

StageProbe probe_stage(Stage& stage, const ProbeInput& input, int num_timed) {
  return Prober(stage, input).run(num_timed);
}

}  // namespace pp
