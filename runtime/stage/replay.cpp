#include "runtime/stage/replay.h"

#include <algorithm>
#include <utility>

#include "loader/core/first_line.h"

namespace pp {

namespace {

using c10::IValue;

/// Largest number of times that states or gradients may move before replay
/// gives up. Some moves happen only once, such as that of a load.
constexpr int kMaxMoves = 8;

/// Largest number of sizes that are replayed: each needs graphs and memory of
/// its own.
constexpr size_t kMaxSizes = 8;

std::vector<at::Tensor> gradients_of(std::span<const at::Tensor> states) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& state : states) {
    gradients.push_back(state.grad());
  }
  return gradients;
}

void restore_gradients(
    std::span<const at::Tensor> states,
    const std::vector<at::Tensor>& gradients) {
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i].requires_grad()) {
      states[i].mutable_grad() = gradients[i];
    }
  }
}

}  // namespace

/// A backward that runs normally and is observed.
class Replay::ObservingBackward final : public BackwardPass {
 public:
  ObservingBackward(
      std::unique_ptr<BackwardPass> pass,
      std::shared_ptr<ObservedBackward> observed)
      : pass_(std::move(pass)), observed_(std::move(observed)) {}

  void seed(size_t output, at::Tensor gradient) override {
    if (gradient.defined()) {
      observed_->seeds.resize(std::max(observed_->seeds.size(), output + 1));
      observed_->seeds[output] = empty_on(gradient, at::kMeta);
    }
    pass_->seed(output, std::move(gradient));
  }
  void backward(Half half) override {
    pass_->backward(half);
    if (half != Half::Inputs) {
      observed_->in_halves = half == Half::Weights;
      observed_->is_complete = true;
    }
  }
  at::Tensor take_gradient(size_t input) override {
    return pass_->take_gradient(input);
  }

 private:
  std::unique_ptr<BackwardPass> pass_;
  std::shared_ptr<ObservedBackward> observed_;
};

Replay::Replay(NewMemory new_memory, Refused refused)
    : new_memory_(std::move(new_memory)), refused_(std::move(refused)) {}
Replay::~Replay() = default;

ProgramRun Replay::train(
    int microbatch,
    std::vector<IValue> inputs,
    std::span<const uint8_t> requires_grad,
    std::span<const at::Tensor> states,
    const Work& work) {
  Observations* const observations = try_observations(inputs);
  if (observations == nullptr) {
    return work(std::move(inputs));
  }
  std::shared_ptr<ObservedBackward>& observed =
      observations->backwards[microbatch];
  if (observed && observed->is_complete) {
    if (const auto slot =
            try_slot(inputs, requires_grad, states, observed.get(), work)) {
      ProgramRun run = slot->forward(inputs);
      run.back = replayed_backward(slot);
      return run;
    }
  }
  ProgramRun run = work(std::move(inputs));
  observed = std::make_shared<ObservedBackward>();
  run.back = std::make_unique<ObservingBackward>(std::move(run.back), observed);
  return run;
}

ProgramRun Replay::infer(
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const Work& work) {
  Observations* const observations = try_observations(inputs);
  if (observations != nullptr &&
      std::exchange(observations->ran_without_backward, true)) {
    if (const auto slot = try_slot(inputs, {}, states, nullptr, work)) {
      return slot->forward(inputs);
    }
  }
  return work(std::move(inputs));
}

/// Returns the observations of inputs of this size; null if they are not
/// replayed.
Replay::Observations* Replay::try_observations(
    const std::vector<IValue>& inputs) {
  if (gave_up_) {
    return nullptr;
  }
  const std::vector<int64_t> sizes = sizes_of(inputs);
  if (observations_.size() == kMaxSizes && !observations_.contains(sizes)) {
    if (!std::exchange(told_of_sizes_, true)) {
      refused_(
          "got inputs of more than " + std::to_string(kMaxSizes) +
          " different sizes; only the first " + std::to_string(kMaxSizes) +
          " have CUDA graphs");
    }
    return nullptr;
  }
  return &observations_[sizes];
}

/// Returns a slot for these inputs, captured if need be; null if there can be
/// none.
std::shared_ptr<ReplaySlot> Replay::try_slot(
    const std::vector<IValue>& inputs,
    std::span<const uint8_t> requires_grad,
    std::span<const at::Tensor> states,
    const ObservedBackward* observed,
    const Work& work) {
  const std::vector<const void*> addresses = addresses_of(states);
  const size_t moved = std::erase_if(slots_, [&](const auto& slot) {
    return !slot->is_taken() && !slot->has_addresses(addresses);
  });
  num_moves_ += moved > 0 ? 1 : 0;
  if (num_moves_ > kMaxMoves) {
    give_up("the memory of parameters or gradients moves from step to step");
    return nullptr;
  }
  for (const std::shared_ptr<ReplaySlot>& slot : slots_) {
    if (slot->fits(inputs, requires_grad, observed)) {
      return slot;
    }
  }
  auto slot = std::make_shared<ReplaySlot>(inputs, requires_grad, states);
  if (!try_capture(*slot, states, observed, work)) {
    return nullptr;
  }
  slots_.push_back(slot);
  return slot;
}

/// Captures a slot. If that fails, gives up replaying, restores the gradients
/// and returns false.
bool Replay::try_capture(
    ReplaySlot& slot,
    std::span<const at::Tensor> states,
    const ObservedBackward* observed,
    const Work& work) {
  const std::vector<at::Tensor> gradients = gradients_of(states);
  try {
    slot.capture(new_memory_(), observed, work);
  } catch (const std::exception& error) {
    give_up(first_line(error.what()));
  }
  if (!gave_up_ && !slot.has_addresses(addresses_of(states))) {
    give_up("gradients are not accumulated in place");
  }
  if (gave_up_) {
    restore_gradients(states, gradients);
  }
  return !gave_up_;
}

void Replay::give_up(const std::string& reason) {
  gave_up_ = true;
  slots_.clear();  // nobody else can use their memory
  refused_("runs without CUDA graphs: " + reason);
}

}  // namespace pp
