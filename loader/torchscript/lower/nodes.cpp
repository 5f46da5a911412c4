#include "loader/torchscript/lower/nodes.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/arguments.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/number_hints.h"
#include "loader/torchscript/lower/types.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

using c10::TypeKind;

ir::TypeKind result_kind(const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::TensorType:
      return ir::TypeKind::Tensor;
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return ir::TypeKind::Int;
    case TypeKind::FloatType:
    case TypeKind::NumberType:
      return ir::TypeKind::Float;
    case TypeKind::BoolType:
      return ir::TypeKind::Bool;
    default:
      throw input_error(
          "a result has type " + type->str() +
          "; only tensors and numbers are supported");
  }
}

/// "aten::add", "Tensor" -> "aten.add.Tensor"
std::string target_of(const c10::OperatorName& op) {
  const ir::OperatorParts parts = ir::operator_parts(op.name);
  const std::string overload =
      op.overload_name.empty() ? "default" : op.overload_name;
  return std::string(parts.library) + "." + std::string(parts.name) + "." +
         overload;
}

/// Adds the tensors of a result that is a list. If their number is unknown, the
/// list stays open until something unpacks it.
Item add_list_result(
    Lowering& lowering,
    std::string_view stem,
    const std::optional<c10::IValue>& hint,
    ir::NodeOutput& output) {
  output.is_list = true;
  Container list{
      .kind = Container::Kind::List,
      .type = c10::ListType::ofTensors(),
      .items = {},
      .keys = {},
      .open_node = {},
      .block_depth = lowering.block_depth()};
  if (hint && hint->isTensorList()) {
    for (const at::Tensor& tensor : hint->toTensorVector()) {
      const GraphValue added =
          add_value(lowering, stem, ir::TypeKind::Tensor, tensor);
      output.ids.push_back(added.id);
      list.items.push_back({added});
    }
  } else {
    list.open_node = lowering.graph.nodes.size();
    lowering.open_nodes.insert(lowering.graph.nodes.size());
  }
  return container_item(std::move(list));
}

Item add_result(
    Lowering& lowering,
    const c10::TypePtr& type,
    std::string_view stem,
    const std::optional<c10::IValue>& hint,
    ir::NodeOutput& output) {
  if (is_tensor_list(type)) {
    return add_list_result(lowering, stem, hint, output);
  }
  const bool has_hint =
      hint && type->kind() == TypeKind::TensorType && hint->isTensor();
  const GraphValue added = add_value(
      lowering, stem, result_kind(type), has_hint ? hint : std::nullopt);
  output.ids.push_back(added.id);
  return {added};
}

/// The number that a function has with the example inputs; nullopt if an
/// argument is unknown.
std::optional<c10::IValue> try_example_number(
    const Lowering& lowering, std::string_view target, const Items& arguments) {
  std::vector<c10::IValue> numbers;
  for (const Item& argument : arguments) {
    auto number = try_hint(lowering, argument);
    if (!number) {
      return std::nullopt;
    }
    numbers.push_back(std::move(*number));
  }
  return try_number_hint(target, numbers);
}

void mark_gradients(Lowering& lowering, const ir::Node& node) {
  if (node.target == "aten.detach.default") {
    return;
  }
  const bool any = std::ranges::any_of(ir::reads_of(node), [&](ir::ValueId id) {
    const auto& tensor = lowering.value(id).tensor;
    return tensor && tensor->requires_grad;
  });
  for (const ir::ValueId id : ir::defines_of(node)) {
    auto& tensor = lowering.value(id).tensor;
    if (any && tensor && tensor->known) {
      tensor->requires_grad = ir::is_differentiable(tensor->dtype);
    }
  }
}

/// Updates what is known about tensors after a call of the operator.
void note_effects(Lowering& lowering, const c10::FunctionSchema& schema) {
  const std::string_view name = schema.name();
  if (name.starts_with("aten::quantize_") || name.starts_with("quantized::")) {
    lowering.has_quantised = true;
  }
  if (schema.is_mutable() && lowering.no_grad_depth == 0) {
    lowering.without_grad.clear();  // the call may write values with gradients
  }
}

}  // namespace

void add_node(Lowering& lowering, ir::Node node) {
  if (const auto ids = ir::defines_of(node); !ids.empty()) {
    node.name = lowering.value(ids.front()).name;
  }
  node.modules = lowering.modules;
  mark_gradients(lowering, node);
  lowering.graph.nodes.push_back(std::move(node));
}

Items add_operator(
    Lowering& lowering, const c10::OperatorHandle& op, const Items& arguments) {
  const c10::FunctionSchema& schema = op.schema();
  check(
      arguments.size() == schema.arguments().size(),
      "an item for each argument");
  ir::Node node;
  node.target = target_of(op.operator_name());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    node.inputs.push_back(
        {argument.name(),
         to_arg(lowering, arguments[i], argument.real_type()),
         argument.kwarg_only()});
  }
  note_effects(lowering, schema);
  const auto hints = try_run_on_meta(lowering, op, arguments);
  Items results;
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    const auto hint =
        hints && i < hints->size() ? std::optional((*hints)[i]) : std::nullopt;
    node.outputs.emplace_back();
    results.push_back(add_result(
        lowering,
        schema.returns()[i].type(),
        ir::operator_parts(node.target).name,
        hint,
        node.outputs.back()));
  }
  add_node(lowering, std::move(node));
  return results;
}

Items add_operator(
    Lowering& lowering,
    const char* name,
    const char* overload,
    const Items& arguments) {
  return add_operator(
      lowering,
      c10::Dispatcher::singleton().findSchemaOrThrow(name, overload),
      arguments);
}

GraphValue add_number_function(
    Lowering& lowering,
    std::string_view target,
    const Items& arguments,
    ir::TypeKind kind) {
  ir::Node node;
  node.target = target;
  for (const Item& argument : arguments) {
    node.inputs.push_back({"", to_arg(lowering, argument, nullptr), false});
  }
  const GraphValue added = add_value(
      lowering,
      ir::operator_parts(target).name,
      kind,
      try_example_number(lowering, target, arguments));
  node.outputs.push_back({{added.id}, false});
  add_node(lowering, std::move(node));
  return added;
}

GraphValue add_size(Lowering& lowering, ir::ValueId tensor, int64_t dim) {
  const GraphValue added = *add_operator(
                                lowering,
                                "aten::sym_size",
                                "int",
                                {Item{GraphValue{tensor}}, constant_item(dim)})
                                .front()
                                .as<GraphValue>();
  const auto& meta = lowering.value(tensor).tensor;
  if (meta && meta->known) {
    const auto num_dims = static_cast<int64_t>(meta->sizes.size());
    const int64_t index = dim < 0 ? dim + num_dims : dim;
    if (index >= 0 && index < num_dims) {
      const ir::Dim& size = meta->sizes[static_cast<size_t>(index)];
      lowering.value(added.id).scalar = size;
      lowering.hints[static_cast<size_t>(added.id)] = c10::IValue(size.value);
    }
  }
  return added;
}

void add_marker(Lowering& lowering) {
  ir::Node node;
  node.target = "pippy._pipe_split.default";
  node.name = lowering.names.make("pipe_split");
  add_node(lowering, std::move(node));
}

}  // namespace pp::ts
