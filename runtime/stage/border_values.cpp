#include "runtime/stage/border_values.h"

#include <algorithm>
#include <bit>

#include "loader/core/error.h"
#include "runtime/stage/contract.h"

namespace pp {

namespace {

c10::IValue number_from_wire(ir::TypeKind kind, int64_t bits) {
  switch (kind) {
    case ir::TypeKind::Float:
      return std::bit_cast<double>(bits);
    case ir::TypeKind::Bool:
      return bits != 0;
    default:
      return bits;
  }
}

int64_t number_to_wire(const c10::IValue& value) {
  if (value.isDouble()) {
    return std::bit_cast<int64_t>(value.toDouble());
  }
  return value.isBool() ? static_cast<int64_t>(value.toBool()) : value.toInt();
}

}  // namespace

bool EnteredValues::any_requires_grad() const {
  return std::ranges::any_of(
      requires_grad, [](uint8_t each) { return each != 0; });
}

EnteredValues enter(
    const Border& border,
    const Crossing& crossing,
    const Message& previous,
    const UserInputs& user_inputs,
    bool training) {
  Contract contract(crossing.stage, crossing.microbatch, border.autocast);
  size_t next_tensor = 0;
  size_t next_int = 0;
  EnteredValues entered;
  entered.values.resize(border.entries.size());
  entered.requires_grad.resize(border.entries.size(), 0);
  for (size_t i = 0; i < border.entries.size(); ++i) {
    const EntryPoint& entry = border.entries[i];
    if (entry.from == EntryPoint::From::Nowhere) {
      continue;
    }
    if (entry.from == EntryPoint::From::User) {
      const auto found = user_inputs.find(entry.name);
      check(found != user_inputs.end(), "the data must have every user input");
      entered.values[i] = contract.check(entry, found->second);
      continue;
    }
    if (!entry.is_tensor) {
      check(
          next_int < previous.ints.size(),
          "the message must have a number for each entry");
      entered.values[i] =
          number_from_wire(entry.contract.type.kind, previous.ints[next_int++]);
      continue;
    }
    if (next_tensor >= previous.tensors.size()) {
      contract.refuse_missing(entry);
    }
    entered.values[i] = contract.check(entry, previous.tensors[next_tensor]);
    entered.requires_grad[i] =
        training && previous.requires_grad[next_tensor] ? 1 : 0;
    ++next_tensor;
  }
  return entered;
}

ExitValue exit_value(
    const Border& border,
    size_t i,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered) {
  const int entry = border.exits[i].relay_input;
  if (entry >= 0 && result.outputs[i].isNone()) {
    return {&entered.values[entry], entry, entered.requires_grad[entry] != 0};
  }
  return {
      &result.outputs[i], -1, !requires_grad.empty() && requires_grad[i] != 0};
}

Message message_to_next(
    const Border& border,
    const Crossing& crossing,
    const ProgramResult& result,
    std::span<const uint8_t> requires_grad,
    const EnteredValues& entered,
    SentValues& sent) {
  Message message;
  message.stage = crossing.stage;
  message.microbatch = crossing.microbatch;
  for (size_t i = 0; i < border.exits.size(); ++i) {
    const ExitPoint& exit = border.exits[i];
    if (!exit.to_next) {
      continue;
    }
    const ExitValue value =
        exit_value(border, i, result, requires_grad, entered);
    if (!exit.is_tensor) {
      message.ints.push_back(number_to_wire(*value.value));
      continue;
    }
    const int position = static_cast<int>(message.tensors.size());
    if (value.requires_grad && value.entry >= 0) {
      sent.relays.emplace_back(position, value.entry);
    } else if (value.requires_grad) {
      sent.outputs.emplace_back(position, static_cast<int>(i));
    }
    message.tensors.push_back(value.value->toTensor().detach());
    message.requires_grad.push_back(value.requires_grad ? 1 : 0);
  }
  return message;
}

Message message_to_previous(
    const Border& border,
    const Crossing& crossing,
    const std::vector<at::Tensor>& gradients) {
  Message message;
  message.stage = crossing.stage;
  message.microbatch = crossing.microbatch;
  for (size_t i = 0; i < border.entries.size(); ++i) {
    const EntryPoint& entry = border.entries[i];
    if (entry.from == EntryPoint::From::Previous && entry.is_tensor) {
      message.tensors.push_back(gradients[i]);
      message.requires_grad.push_back(0);
    }
  }
  return message;
}

}  // namespace pp
