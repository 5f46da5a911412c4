#include "loader/torchscript/lower/grad_mode.h"

#include <algorithm>
#include <utility>

#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

constexpr std::string_view kNoGrad =
    "__torch__.torch.autograd.grad_mode.no_grad";

void expect_no_grad(const NodeCall& call) {
  if (call.inputs.at(0).as<NoGrad>() == nullptr) {
    refuse(call, "only torch.no_grad() is supported in a `with` statement");
  }
}

void note_without_grad(Lowering& lowering, const Items& results) {
  for (const Item& item : results) {
    if (const auto* value = item.as<GraphValue>()) {
      lowering.without_grad.insert(value->id);
    } else if (const Container* container = item.container()) {
      note_without_grad(lowering, container->items);
    }
  }
}

Item detached(Lowering& lowering, const Item& item) {
  if (const Container* container = item.container();
      container != nullptr && !container->open_node) {
    Container out = *container;
    for (Item& inner : out.items) {
      inner = detached(lowering, inner);
    }
    return container_item(std::move(out));
  }
  const auto* value = item.as<GraphValue>();
  if (value == nullptr ||
      lowering.value(value->id).type.kind != ir::TypeKind::Tensor) {
    return item;
  }
  const auto& meta = lowering.value(value->id).tensor;
  if (lowering.without_grad.contains(value->id) ||
      (meta && meta->known && !meta->requires_grad)) {
    return item;
  }
  const Items results = add_operator(lowering, "aten::detach", "", {item});
  note_without_grad(lowering, results);
  return results.front();
}

/// The index of the argument that the operator writes and returns as `result`.
std::optional<size_t> try_written_argument(
    const c10::FunctionSchema& schema, const c10::Argument& result) {
  const c10::AliasInfo* alias = result.alias_info();
  if (alias == nullptr || !alias->isWrite()) {
    return std::nullopt;
  }
  const auto& arguments = schema.arguments();
  const auto found =
      std::ranges::find_if(arguments, [&](const c10::Argument& argument) {
        return argument.alias_info() != nullptr &&
               *argument.alias_info() == *alias;
      });
  return found == arguments.end()
             ? std::nullopt
             : std::optional(static_cast<size_t>(found - arguments.begin()));
}

}  // namespace

std::optional<Items> lower_create_object(const NodeCall& call) {
  const auto type = call.node.output()->type()->cast<c10::ClassType>();
  if (!type || !type->name() || type->name()->qualifiedName() != kNoGrad) {
    return std::nullopt;
  }
  return Items{{NoGrad{}}};
}

std::optional<Items> lower_enter(const NodeCall& call) {
  expect_no_grad(call);
  ++call.lowering.no_grad_depth;
  return Items{constant_item({})};
}

std::optional<Items> lower_exit(const NodeCall& call) {
  expect_no_grad(call);
  --call.lowering.no_grad_depth;
  return Items{constant_item({})};
}

std::optional<Items> lower_is_grad_enabled(const NodeCall& call) {
  return Items{constant_item(call.lowering.no_grad_depth == 0)};
}

std::optional<Items> lower_is_autocast_enabled(const NodeCall&) {
  return Items{constant_item(false)};
}

Items add_operator_without_grad(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments) {
  Items operands;
  for (const Item& argument : arguments) {
    operands.push_back(detached(lowering, argument));
  }
  Items results = add_operator(lowering, op, operands);
  note_without_grad(lowering, results);
  for (size_t i = 0; i < results.size(); ++i) {
    if (const auto written =
            try_written_argument(op.schema(), op.schema().returns()[i])) {
      results[i] = arguments.at(*written);
    }
  }
  return results;
}

}  // namespace pp::ts
