#include "runtime/stage/replay_slot.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "runtime/stage/add_to.h"

namespace pp {

namespace {

using c10::IValue;

bool has_same_form(const IValue& place, const IValue& value) {
  if (!place.isTensor() || !value.isTensor()) {
    return place.tagKind() == value.tagKind() &&
           sizes_of({place}) == sizes_of({value});
  }
  const at::Tensor& there = place.toTensor();
  const at::Tensor& tensor = value.toTensor();
  return there.scalar_type() == tensor.scalar_type() &&
         there.device() == tensor.device() && there.sizes() == tensor.sizes();
}

ProgramResult copy_of(const ProgramResult& result) {
  ProgramResult out;
  for (const IValue& value : result.outputs) {
    out.outputs.push_back(
        value.isTensor() && value.toTensor().defined()
            ? IValue(value.toTensor().clone())
            : value);
  }
  return out;
}

class ReplayedBackward final : public BackwardPass {
 public:
  explicit ReplayedBackward(std::shared_ptr<ReplaySlot> slot)
      : slot_(std::move(slot)) {
    slot_->set_taken(true);
  }
  ReplayedBackward(const ReplayedBackward&) = delete;
  ReplayedBackward& operator=(const ReplayedBackward&) = delete;
  ~ReplayedBackward() override { slot_->set_taken(false); }

  void seed(size_t output, at::Tensor gradient) override {
    if (!gradient.defined()) {
      return;
    }
    if (!slot_->has_seed(output)) {
      throw runtime_error(
          "output " + std::to_string(output) +
          " gets a gradient, but got none when its backward was captured; set "
          "pipeline.cuda_graphs = false");
    }
    seeds_.resize(std::max(seeds_.size(), output + 1));
    add_to(seeds_[output], gradient);
  }

  void backward(Half half) override {
    const c10::AutoGradMode no_gradients(false);
    check(
        slot_->in_halves() == (half != Half::Both),
        "a backward must come in halves if it did before");
    if (half == Half::Weights) {
      slot_->backward_weights();
    } else {
      slot_->backward(std::exchange(seeds_, {}));
    }
  }

  at::Tensor take_gradient(size_t input) override {
    return slot_->input_gradient(input);
  }

 private:
  std::shared_ptr<ReplaySlot> slot_;
  std::vector<at::Tensor> seeds_;  ///< by output
};

}  // namespace

std::vector<const void*> addresses_of(std::span<const at::Tensor> states) {
  std::vector<const void*> addresses;
  for (const at::Tensor& state : states) {
    addresses.push_back(state.const_data_ptr());
    const at::Tensor& gradient = state.grad();
    addresses.push_back(
        gradient.defined() && !gradient.is_sparse() ? gradient.const_data_ptr()
                                                    : nullptr);
  }
  return addresses;
}

std::vector<int64_t> sizes_of(const std::vector<IValue>& inputs) {
  std::vector<int64_t> sizes;
  for (const IValue& input : inputs) {
    if (input.isTensor()) {
      sizes.push_back(input.toTensor().dim());
      std::ranges::copy(input.toTensor().sizes(), std::back_inserter(sizes));
    } else if (input.isDouble()) {
      sizes.push_back(std::bit_cast<int64_t>(input.toDouble()));
    } else if (input.isInt() || input.isBool()) {
      sizes.push_back(input.isInt() ? input.toInt() : input.toBool());
    }
  }
  return sizes;
}

at::Tensor empty_on(const at::Tensor& like, c10::Device device) {
  return at::empty_like(
      like, like.options().requires_grad(false).device(device));
}

ReplaySlot::ReplaySlot(
    std::vector<IValue> inputs,
    std::span<const uint8_t> requires_grad,
    std::span<const at::Tensor> states)
    : input_requires_grad_(requires_grad.begin(), requires_grad.end()),
      addresses_(addresses_of(states)) {
  for (IValue& input : inputs) {
    inputs_.push_back(
        input.isTensor()
            ? empty_on(input.toTensor(), input.toTensor().device()).zero_()
            : std::move(input));
  }
}

void ReplaySlot::capture(
    std::unique_ptr<GraphMemory> memory,
    const ObservedBackward* observed,
    const Work& work) {
  memory_ = std::move(memory);
  ProgramRun run;
  forward_graph_ = memory_->capture([&] { run = work(inputs_); });
  result_ = std::move(run.result);
  requires_grad_ = std::move(run.requires_grad);
  if (observed != nullptr) {
    capture_backward(*observed, *run.back);
  }
}

void ReplaySlot::capture_backward(
    const ObservedBackward& observed, BackwardPass& back) {
  seeds_.resize(result_.outputs.size());
  input_gradients_.resize(inputs_.size());
  for (size_t i = 0; i < observed.seeds.size(); ++i) {
    if (observed.seeds[i].defined()) {
      seeds_[i] =
          empty_on(observed.seeds[i], result_.outputs[i].toTensor().device());
    }
  }
  backward_graph_ = memory_->capture([&] {
    for (size_t i = 0; i < seeds_.size(); ++i) {
      if (seeds_[i].defined()) {
        back.seed(i, seeds_[i]);
      }
    }
    back.backward(observed.in_halves ? Half::Inputs : Half::Both);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (input_requires_grad_[i] != 0) {
        input_gradients_[i] = back.take_gradient(i);
      }
    }
  });
  if (observed.in_halves) {
    weights_graph_ = memory_->capture([&] { back.backward(Half::Weights); });
  }
}

bool ReplaySlot::has_addresses(std::span<const void* const> addresses) const {
  return std::ranges::equal(addresses_, addresses);
}

bool ReplaySlot::fits(
    const std::vector<IValue>& inputs,
    std::span<const uint8_t> requires_grad,
    const ObservedBackward* observed) const {
  return !is_taken_ && (backward_graph_ != nullptr) == (observed != nullptr) &&
         (observed == nullptr || fits_backward(*observed)) &&
         std::ranges::equal(input_requires_grad_, requires_grad) &&
         std::ranges::equal(inputs_, inputs, has_same_form);
}

bool ReplaySlot::fits_backward(const ObservedBackward& observed) const {
  for (size_t i = 0; i < seeds_.size(); ++i) {
    const bool comes = i < observed.seeds.size() && observed.seeds[i].defined();
    if (comes != seeds_[i].defined()) {
      return false;
    }
  }
  return in_halves() == observed.in_halves;
}

ProgramRun ReplaySlot::forward(const std::vector<IValue>& inputs) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].isTensor()) {
      inputs_[i].toTensor().copy_(inputs[i].toTensor(), true);
    }
  }
  forward_graph_->replay();
  return {copy_of(result_), requires_grad_, nullptr};
}

bool ReplaySlot::has_seed(size_t output) const {
  return output < seeds_.size() && seeds_[output].defined();
}

void ReplaySlot::backward(const std::vector<at::Tensor>& seeds) const {
  for (size_t i = 0; i < seeds_.size(); ++i) {
    if (i < seeds.size() && seeds[i].defined()) {
      seeds_[i].copy_(seeds[i], true);
    } else if (seeds_[i].defined()) {
      seeds_[i].zero_();
    }
  }
  backward_graph_->replay();
}

at::Tensor ReplaySlot::input_gradient(size_t input) const {
  const at::Tensor& gradient = input_gradients_[input];
  return gradient.defined() ? gradient.clone() : gradient;
}

std::unique_ptr<BackwardPass> replayed_backward(
    std::shared_ptr<ReplaySlot> slot) {
  return std::make_unique<ReplayedBackward>(std::move(slot));
}

}  // namespace pp
