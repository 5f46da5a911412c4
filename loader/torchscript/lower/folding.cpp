#include "loader/torchscript/lower/folding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <torch/csrc/jit/runtime/operator.h>

#include "loader/operators/preconditions.h"
#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/lower/limits.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

bool returns_tensors(const torch::jit::Node& node) {
  return std::ranges::any_of(
      node.outputs(), [](const torch::jit::Value* output) {
        return output->type()->kind() == c10::TypeKind::TensorType ||
               is_tensor_list(output->type());
      });
}

bool returns_text(const torch::jit::Node& node) {
  return node.outputs().size() == 1 &&
         node.output()->type()->kind() == c10::TypeKind::StringType;
}

/// An unknown string never blocks lowering: perhaps only a message uses it.
std::optional<Items> text_or_nothing(const torch::jit::Node& node) {
  return returns_text(node) ? std::optional(Items{Item{Text{}}}) : std::nullopt;
}

/// The operators whose result may be longer than all of their inputs together.
constexpr std::array<std::string_view, 7> kLengthening = {
    "aten::center",
    "aten::expandtabs",
    "aten::join",
    "aten::ljust",
    "aten::replace",
    "aten::rjust",
    "aten::zfill"};

/// The most characters that an input adds to a text. A number may be a width.
double length_of(const c10::IValue& value, bool counts_widths) {
  if (value.isString()) {
    return static_cast<double>(value.toStringRef().size());
  }
  if (value.isInt()) {
    return counts_widths ? std::abs(static_cast<double>(value.toInt())) : 0;
  }
  double length = 0;
  if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) {
      length += 1 + length_of(item, counts_widths);
    }
  }
  return length;
}

/// Whether the operator may make a text of more than kMaxTextLength characters.
bool may_make_long_text(
    const torch::jit::Node& node, const torch::jit::Stack& inputs) {
  if (!returns_text(node)) {
    return false;
  }
  const bool lengthens =
      std::ranges::find(kLengthening, node.kind().toQualString()) !=
      kLengthening.end();
  double sum = 0;
  double product = 1;
  for (const c10::IValue& input : inputs) {
    const double length = length_of(input, lengthens);
    sum += length;
    product *= 1 + length;
  }
  return (lengthens ? product : sum) > static_cast<double>(kMaxTextLength);
}

void count_text(const c10::IValue& value, StepCounter& steps) {
  constexpr size_t kCharactersPerStep = 64;
  if (value.isString()) {
    steps.add(value.toStringRef().size() / kCharactersPerStep);
  }
}

/// Counts the items of the list that the operator makes, if its length isn't
/// limited by that of its inputs.
void count_made_items(const NodeCall& call, const torch::jit::Stack& inputs) {
  const std::string_view kind = call.node.kind().toQualString();
  if (kind == "prim::rangelist" && inputs.front().isInt()) {
    call.lowering.steps.add(
        static_cast<size_t>(std::max<int64_t>(inputs.front().toInt(), 0)));
  }
}

/// The values of all inputs; nullopt if one is unknown.
std::optional<torch::jit::Stack> try_known_inputs(const NodeCall& call) {
  torch::jit::Stack inputs;
  for (const Item& input : call.inputs) {
    count_items(input, call.lowering.steps);
    auto value = try_constant(input);
    if (!value) {
      return std::nullopt;
    }
    count_text(*value, call.lowering.steps);
    inputs.push_back(std::move(*value));
  }
  return inputs;
}

}  // namespace

std::optional<Items> try_fold(const NodeCall& call) {
  const torch::jit::Node& node = call.node;
  if (call.inputs.empty() || node.maybeOperator() == nullptr ||
      node.hasAttribute(c10::attr::Subgraph) || !node.blocks().empty() ||
      node.schema().is_mutable() || returns_tensors(node)) {
    return std::nullopt;
  }
  auto known = try_known_inputs(call);
  if (!known || may_make_long_text(node, *known)) {
    return text_or_nothing(node);
  }
  count_made_items(call, *known);
  torch::jit::Stack& stack = *known;
  if (node.schema().is_vararg()) {
    stack.emplace_back(static_cast<int64_t>(call.inputs.size()));
  }
  if (const std::string fault = precondition_fault(node.schema(), stack);
      !fault.empty()) {
    refuse(call, fault);
  }
  try {
    node.getOperation()(stack);
  } catch (const std::exception& error) {
    if (returns_text(node)) {
      return text_or_nothing(node);
    }
    refuse(call, first_text_line(error.what()));
  }
  Items out;
  for (const c10::IValue& value : stack) {
    count_text(value, call.lowering.steps);
    out.push_back(item_of(value, call.lowering.steps));
  }
  return out;
}

}  // namespace pp::ts
