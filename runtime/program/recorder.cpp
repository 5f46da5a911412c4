#include "runtime/program/recorder.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/variable.h>

namespace pp {

namespace {

using c10::IValue;
using torch::jit::Stack;

bool has_gradient(const IValue& value) {
  return value.isTensor() && value.toTensor().defined() &&
         value.toTensor().requires_grad();
}

/// Calls `visit` with each result on the stack, as value and tensor, and
/// replaces the tensor by what it returns.
template <typename Visit>
void for_each_result(
    const Instruction& instruction, Stack& stack, const Visit& visit) {
  for (size_t i = 0; i < instruction.outputs.size(); ++i) {
    const ir::NodeOutput& output = instruction.outputs[i];
    if (!output.is_list) {
      if (!output.ids.empty() && output.ids.front() != ir::kNoValue &&
          stack[i].isTensor() && stack[i].toTensor().defined()) {
        stack[i] = visit(output.ids.front(), stack[i].toTensor());
      }
      continue;
    }
    std::vector<at::Tensor> items = stack[i].toTensorVector();
    for (size_t k = 0; k < items.size() && k < output.ids.size(); ++k) {
      if (output.ids[k] != ir::kNoValue && items[k].defined()) {
        items[k] = visit(output.ids[k], items[k]);
      }
    }
    stack[i] = std::move(items);
  }
}

}  // namespace

Tape::Recording::Recording(
    const Program::Body& program_body,
    const RandomKey& run_key,
    std::span<const at::Tensor> run_states)
    : body(program_body),
      key(run_key),
      states(run_states.begin(), run_states.end()),
      flags(program_body.num_values, 0) {
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i].requires_grad()) {
      flags[body.states[i]] = kNeedsGradient;
    }
  }
}

Recorder::Recorder(Tape::Recording& recording)
    : recording_(recording), run_{recording.body, recording.key} {}

void Recorder::run(Frame& frame) {
  recording_.entries.reserve(recording_.body.instructions.size());
  run(recording_.body.segments, frame, recording_.entries);
}

void Recorder::run(
    const std::vector<Segment>& segments,
    Frame& frame,
    std::vector<Entry>& entries) {
  const c10::AutoGradMode with_gradients(true);
  for (const Segment& segment : segments) {
    switch (segment.kind) {
      case Segment::Kind::Straight:
        run_straight(segment, frame, entries);
        break;
      case Segment::Kind::Island:
        run_island(segment, frame, entries);
        break;
      case Segment::Kind::Repeated:
        run_repeated(segment, frame, entries);
        break;
    }
  }
}

void Recorder::run_straight(
    const Segment& segment, Frame& frame, std::vector<Entry>& entries) {
  run_.instructions(
      frame,
      segment.begin,
      segment.end,
      [&](const Instruction& instruction, Stack& stack) {
        execute(instruction, stack, entries);
      });
}

void Recorder::execute(
    const Instruction& instruction, Stack& stack, std::vector<Entry>& entries) {
  uint8_t input_flags = 0;
  if (instruction.rule != nullptr && instruction.grad_enabled) {
    wanted_.clear();
    for (const ir::ValueId id : instruction.rule_inputs) {
      wanted_.push_back(id == ir::kNoValue ? 0 : recording_.flags[id]);
      input_flags |= wanted_.back();
    }
  }
  Entry entry;
  {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    if (input_flags == 0) {
      run_.execute(instruction, stack);
      return;
    }
    if (instruction.rule == &kDropoutRule) {
      record_dropout(instruction, stack, run_.seed_of(instruction), entry.kept);
    } else if (!instruction.rule->forward(stack, wanted_, entry.kept)) {
      entry.kept.clear();
      entry.island = std::make_unique<Island>();
    }
  }
  if (entry.island) {
    execute_alone(instruction, stack, *entry.island);
  }
  for_each_result(
      instruction, stack, [&](ir::ValueId id, const at::Tensor& tensor) {
        const bool has_gradient_type =
            entry.island ? tensor.requires_grad()
                         : at::isFloatingType(tensor.scalar_type());
        if (!has_gradient_type) {
          return tensor;
        }
        recording_.flags[id] = input_flags;
        if (!entry.island) {
          return tensor;
        }
        entry.island->roots.push_back(
            {id, torch::autograd::impl::gradient_edge(tensor)});
        return tensor.detach();
      });
  if (entry.island) {
    if (entry.island->roots.empty()) {
      return;
    }
    entry.island->first = &instruction;
    entry.island->last = &instruction;
  }
  entry.instruction = &instruction;
  entry.on_path = (input_flags & kOnPath) != 0;
  entries.push_back(std::move(entry));
}

/// Runs a call that its rule doesn't cover as an island.
void Recorder::execute_alone(
    const Instruction& instruction, Stack& stack, Island& island) {
  size_t position = 0;
  const auto leaf_of = [&](const at::Tensor& tensor) {
    const ir::ValueId id = instruction.rule_inputs[position];
    if (wanted_[position++] == 0) {
      return tensor;
    }
    island.leaves.push_back({id, {}});
    return island.leaves.back().graph.enter(tensor);
  };
  for (size_t i = 0; i < instruction.operands.size(); ++i) {
    const Operand& operand = instruction.operands[i];
    if (operand.from != Operand::From::List) {
      if (stack[i].isTensor()) {
        stack[i] = leaf_of(stack[i].toTensor());
      } else {
        ++position;
      }
      continue;
    }
    c10::impl::GenericList items = stack[i].toList().copy();
    for (size_t k = 0; k < items.size(); ++k) {
      const IValue item = items.get(k);
      if (item.isTensor()) {
        items.set(k, leaf_of(item.toTensor()));
      } else {
        ++position;
      }
    }
    stack[i] = std::move(items);
  }
  run_.execute(instruction, stack);
}

void Recorder::run_island(
    const Segment& segment, Frame& frame, std::vector<Entry>& entries) {
  uint8_t input_flags = 0;
  for (const Segment::Input& input : segment.inputs) {
    input_flags |= recording_.flags[input.value];
  }
  if (input_flags == 0) {
    run_.instructions(frame, segment.begin, segment.end);
    return;
  }
  auto island = std::make_unique<Island>();
  std::vector<std::pair<ir::ValueId, IValue>> replaced;
  for (const auto& [value, written] : segment.inputs) {
    IValue& slot = frame.slots[value];
    // A write in place must reach the parameter itself, so it isn't replaced.
    if (recording_.flags[value] == 0 || !slot.isTensor() ||
        (written && recording_.body.state_of[value] >= 0)) {
      continue;
    }
    island->leaves.push_back({value, {}});
    at::Tensor entered = island->leaves.back().graph.enter(slot.toTensor());
    IValue before = std::exchange(slot, std::move(entered));
    if (!written) {
      replaced.emplace_back(value, std::move(before));
    }
  }
  run_.instructions(frame, segment.begin, segment.end);
  for (auto& [value, before] : replaced) {
    if (IValue& slot = frame.slots[value]; !slot.isNone()) {
      slot = std::move(before);
    }
  }
  for (const ir::ValueId id : segment.outputs) {
    IValue& slot = frame.slots[id];
    if (recording_.body.state_of[id] >= 0) {
      continue;
    }
    if (!has_gradient(slot)) {
      recording_.flags[id] = 0;  // detach_
      continue;
    }
    const at::Tensor tensor = slot.toTensor();
    recording_.flags[id] = input_flags;
    island->roots.push_back({id, torch::autograd::impl::gradient_edge(tensor)});
    slot = tensor.detach();
  }
  if (island->roots.empty()) {
    return;
  }
  island->first = &recording_.body.instructions[segment.begin];
  island->last = &recording_.body.instructions[segment.end - 1];
  Entry entry;
  entry.on_path = (input_flags & kOnPath) != 0;
  entry.island = std::move(island);
  entries.push_back(std::move(entry));
}

void Recorder::run_repeated(
    const Segment& segment, Frame& frame, std::vector<Entry>& entries) {
  auto repeat = std::make_unique<Repeat>();
  repeat->segment = &segment;
  uint8_t input_flags = 0;
  for (const auto& [value, written] : segment.inputs) {
    const IValue& now = frame.slots[value];
    repeat->inputs.push_back(
        written && now.isTensor() ? IValue(now.toTensor().detach().clone())
                                  : now);
    input_flags |= recording_.flags[value];
  }
  // It is recorded to find out which values get a gradient; the entries
  // themselves are discarded.
  std::vector<Entry> discarded;
  run(segment.parts, frame, discarded);
  if (input_flags == 0) {
    return;
  }
  Entry entry;
  entry.on_path = (input_flags & kOnPath) != 0;
  entry.repeat = std::move(repeat);
  entries.push_back(std::move(entry));
}

}  // namespace pp
