#include "runtime/stage/replay.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include <ATen/ops/empty_like.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "runtime/stage/add_to.h"

namespace pp {

namespace {

using c10::IValue;

/// States and gradients may move for a reason that passes, such as a load.
constexpr int kMovesAllowed = 8;

/// Each takes graphs and memory of its own.
constexpr size_t kSizesAllowed = 8;

at::Tensor place_like(const at::Tensor& tensor, c10::Device device) {
  return at::empty_like(
      tensor, tensor.options().requires_grad(false).device(device));
}

/// What a graph is for: sizes of tensors, and numbers.
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

bool fits(const IValue& place, const IValue& value) {
  if (!place.isTensor() || !value.isTensor()) {
    return place.tagKind() == value.tagKind() &&
           sizes_of({place}) == sizes_of({value});
  }
  const at::Tensor& there = place.toTensor();
  const at::Tensor& tensor = value.toTensor();
  return there.scalar_type() == tensor.scalar_type() &&
         there.device() == tensor.device() && there.sizes() == tensor.sizes();
}

/// Where states and their gradients are.
std::vector<const void*> places_of(std::span<const at::Tensor> states) {
  std::vector<const void*> places;
  for (const at::Tensor& state : states) {
    places.push_back(state.const_data_ptr());
    const at::Tensor& gradient = state.grad();
    places.push_back(
        gradient.defined() && !gradient.is_sparse() ? gradient.const_data_ptr()
                                                    : nullptr);
  }
  return places;
}

std::vector<at::Tensor> gradients_of(std::span<const at::Tensor> states) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& state : states) {
    gradients.push_back(state.grad());
  }
  return gradients;
}

/// A copy that the next replay leaves alone.
ProgramResult copied_out(const ProgramResult& result) {
  ProgramResult out;
  for (const IValue& value : result.outputs) {
    out.outputs.push_back(
        value.isTensor() && value.toTensor().defined()
            ? IValue(value.toTensor().clone())
            : value);
  }
  return out;
}

}  // namespace

struct Replay::Slot {
  bool is_taken = false;
  std::vector<IValue> inputs;
  std::vector<uint8_t> input_needs_grad;
  std::vector<const void*> places;
  ProgramResult result;
  std::vector<uint8_t> requires_grad;
  std::vector<at::Tensor> seeds;            ///< by output; undefined: none
  std::vector<at::Tensor> input_gradients;  ///< by input; undefined: none

  std::unique_ptr<GraphMemory> memory;
  std::unique_ptr<DeviceGraph> forward;
  std::unique_ptr<DeviceGraph> backward;  ///< whole, or its input half
  std::unique_ptr<DeviceGraph> weights;   ///< its weight half, if it has one

  bool takes(
      const std::vector<IValue>& values,
      std::span<const uint8_t> need_grad,
      const Lesson* lesson) const {
    return !is_taken && (backward != nullptr) == (lesson != nullptr) &&
           (lesson == nullptr || fits_backward(*lesson)) &&
           std::ranges::equal(input_needs_grad, need_grad) &&
           std::ranges::equal(inputs, values, fits);
  }

  bool fits_backward(const Lesson& lesson) const {
    for (size_t i = 0; i < seeds.size(); ++i) {
      const bool comes = i < lesson.seeds.size() && lesson.seeds[i].defined();
      if (comes != seeds[i].defined()) {
        return false;
      }
    }
    return (weights != nullptr) == lesson.in_halves;
  }

  ProgramRun run(const std::vector<IValue>& values) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].isTensor()) {
        inputs[i].toTensor().copy_(values[i].toTensor(), true);
      }
    }
    forward->replay();
    return {copied_out(result), requires_grad, nullptr};
  }
};

/// A backward that runs as ever and is watched.
class Replay::Learning final : public BackwardPass {
 public:
  Learning(std::unique_ptr<BackwardPass> pass, std::shared_ptr<Lesson> lesson)
      : pass_(std::move(pass)), lesson_(std::move(lesson)) {}

  void seed(size_t output, at::Tensor gradient) override {
    if (gradient.defined()) {
      lesson_->seeds.resize(std::max(lesson_->seeds.size(), output + 1));
      lesson_->seeds[output] = place_like(gradient, at::kMeta);
    }
    pass_->seed(output, std::move(gradient));
  }
  void backward(Half half) override {
    pass_->backward(half);
    if (half != Half::Inputs) {
      lesson_->in_halves = half == Half::Weights;
      lesson_->is_known = true;
    }
  }
  at::Tensor take_gradient(size_t input) override {
    return pass_->take_gradient(input);
  }

 private:
  std::unique_ptr<BackwardPass> pass_;
  std::shared_ptr<Lesson> lesson_;
};

class Replay::Replayed final : public BackwardPass {
 public:
  explicit Replayed(std::shared_ptr<Slot> slot)
      : slot_(std::move(slot)), seeds_(slot_->seeds.size()) {
    slot_->is_taken = true;
  }
  Replayed(const Replayed&) = delete;
  Replayed& operator=(const Replayed&) = delete;
  ~Replayed() override { slot_->is_taken = false; }

  void seed(size_t output, at::Tensor gradient) override {
    if (!gradient.defined()) {
      return;
    }
    if (output >= seeds_.size() || !slot_->seeds[output].defined()) {
      throw runtime_error(
          "a gradient comes for output " + std::to_string(output) +
          ", as it did not before its backward was captured; leave out "
          "pipeline.cuda_graphs");
    }
    add_to(seeds_[output], gradient);
  }

  void backward(Half half) override {
    const c10::AutoGradMode no_gradients(false);
    check(
        (slot_->weights != nullptr) == (half != Half::Both),
        "a backward comes in halves if it did before");
    if (half == Half::Weights) {
      slot_->weights->replay();
      return;
    }
    for (size_t i = 0; i < seeds_.size(); ++i) {
      if (seeds_[i].defined()) {
        slot_->seeds[i].copy_(seeds_[i], true);
      } else if (slot_->seeds[i].defined()) {
        slot_->seeds[i].zero_();
      }
    }
    seeds_.clear();
    slot_->backward->replay();
  }

  at::Tensor take_gradient(size_t input) override {
    const at::Tensor& gradient = slot_->input_gradients[input];
    return gradient.defined() ? gradient.clone() : gradient;
  }

 private:
  std::shared_ptr<Slot> slot_;
  std::vector<at::Tensor> seeds_;
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
  Learned* const learned = try_learned(inputs);
  if (learned == nullptr) {
    return work(std::move(inputs));
  }
  std::shared_ptr<Lesson>& lesson = learned->lessons[microbatch];
  if (lesson && lesson->is_known) {
    if (const auto slot =
            try_slot(inputs, requires_grad, states, lesson.get(), work)) {
      ProgramRun run = slot->run(inputs);
      run.back = std::make_unique<Replayed>(slot);
      return run;
    }
  }
  ProgramRun run = work(std::move(inputs));
  lesson = std::make_shared<Lesson>();
  run.back = std::make_unique<Learning>(std::move(run.back), lesson);
  return run;
}

ProgramRun Replay::infer(
    std::vector<IValue> inputs,
    std::span<const at::Tensor> states,
    const Work& work) {
  Learned* const learned = try_learned(inputs);
  if (learned != nullptr &&
      std::exchange(learned->ran_without_backward, true)) {
    if (const auto slot = try_slot(inputs, {}, states, nullptr, work)) {
      return slot->run(inputs);
    }
  }
  return work(std::move(inputs));
}

/// Of inputs of this size; null: they are not replayed.
Replay::Learned* Replay::try_learned(const std::vector<IValue>& inputs) {
  if (gave_up_) {
    return nullptr;
  }
  const std::vector<int64_t> sizes = sizes_of(inputs);
  if (learned_.size() == kSizesAllowed && !learned_.contains(sizes)) {
    if (!std::exchange(said_too_many_, true)) {
      refused_(
          "has inputs of more than " + std::to_string(kSizesAllowed) +
          " sizes; those that came first have CUDA graphs");
    }
    return nullptr;
  }
  return &learned_[sizes];
}

/// A slot for these inputs, captured if need be; null: there can be none.
std::shared_ptr<Replay::Slot> Replay::try_slot(
    std::vector<IValue> inputs,
    std::span<const uint8_t> requires_grad,
    std::span<const at::Tensor> states,
    const Lesson* lesson,
    const Work& work) {
  const std::vector<const void*> places = places_of(states);
  const size_t moved = std::erase_if(slots_, [&](const auto& slot) {
    return !slot->is_taken && slot->places != places;
  });
  num_moves_ += moved > 0 ? 1 : 0;
  if (num_moves_ > kMovesAllowed) {
    give_up("the memory of parameters or gradients moves from step to step");
    return nullptr;
  }
  for (const std::shared_ptr<Slot>& slot : slots_) {
    if (slot->takes(inputs, requires_grad, lesson)) {
      return slot;
    }
  }
  auto slot = std::make_shared<Slot>();
  slot->input_needs_grad.assign(requires_grad.begin(), requires_grad.end());
  slot->places = places;
  for (IValue& input : inputs) {
    slot->inputs.push_back(
        input.isTensor()
            ? place_like(input.toTensor(), input.toTensor().device()).zero_()
            : std::move(input));
  }
  if (!try_capture(*slot, states, lesson, work)) {
    return nullptr;
  }
  slots_.push_back(slot);
  return slot;
}

/// All passes of a slot at once, before anything depends on them: if one can't
/// be captured, nothing has happened.
bool Replay::try_capture(
    Slot& slot,
    std::span<const at::Tensor> states,
    const Lesson* lesson,
    const Work& work) {
  const std::vector<at::Tensor> gradients = gradients_of(states);
  try {
    slot.memory = new_memory_();
    ProgramRun run;
    slot.forward = slot.memory->capture([&] { run = work(slot.inputs); });
    slot.result = std::move(run.result);
    slot.requires_grad = std::move(run.requires_grad);
    if (lesson != nullptr) {
      slot.seeds.resize(slot.result.outputs.size());
      slot.input_gradients.resize(slot.inputs.size());
      for (size_t i = 0; i < lesson->seeds.size(); ++i) {
        if (lesson->seeds[i].defined()) {
          slot.seeds[i] = place_like(
              lesson->seeds[i], slot.result.outputs[i].toTensor().device());
        }
      }
      slot.backward = slot.memory->capture([&] {
        for (size_t i = 0; i < slot.seeds.size(); ++i) {
          if (slot.seeds[i].defined()) {
            run.back->seed(i, slot.seeds[i]);
          }
        }
        run.back->backward(lesson->in_halves ? Half::Inputs : Half::Both);
        for (size_t i = 0; i < slot.inputs.size(); ++i) {
          if (slot.input_needs_grad[i] != 0) {
            slot.input_gradients[i] = run.back->take_gradient(i);
          }
        }
      });
      if (lesson->in_halves) {
        slot.weights =
            slot.memory->capture([&] { run.back->backward(Half::Weights); });
      }
    }
  } catch (const std::exception& error) {
    give_up(first_line(error.what()));
  }
  if (!gave_up_ && places_of(states) != slot.places) {
    give_up("gradients are not added up in place");
  }
  if (gave_up_) {
    for (size_t i = 0; i < states.size(); ++i) {
      if (states[i].requires_grad()) {
        states[i].mutable_grad() = gradients[i];
      }
    }
  }
  return !gave_up_;
}

void Replay::give_up(const std::string& reason) {
  gave_up_ = true;
  slots_.clear();  // their memory serves nobody else
  refused_("runs without CUDA graphs: " + reason);
}

}  // namespace pp
