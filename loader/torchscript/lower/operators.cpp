#include "loader/torchscript/lower/operators.h"

#include <string>
#include <string_view>

#include "loader/core/error.h"
#include "loader/torchscript/lower/grad_mode.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

/// Whether an interpolation is given output sizes rather than scale factors.
bool has_output_size(const NodeCall& call) {
  const std::string_view kind = call.node.kind().toQualString();
  return (kind.starts_with("aten::upsample_") ||
          kind.starts_with("aten::_upsample_")) &&
         call.node.schema().overload_name() == "vec" &&
         call.inputs.size() > 2 && !call.inputs[1].is_none() &&
         call.inputs.back().is_none();
}

/// Adds the operator, and detaches its operands in a `no_grad` block.
Items add_call(
    const NodeCall& call,
    const c10::OperatorHandle& op,
    const Items& arguments) {
  return call.lowering.no_grad_depth > 0
             ? add_operator_without_grad(call.lowering, op, arguments)
             : add_operator(call.lowering, op, arguments);
}

/// Lowers an interpolation to given sizes to the overload that takes only
/// sizes. TorchScript chooses that overload too when it reads code.
Items lower_interpolation(const NodeCall& call) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(
      call.node.kind().toQualString(), "");
  Items arguments(call.inputs.begin(), call.inputs.end() - 1);
  arguments.resize(op.schema().arguments().size(), constant_item({}));
  return add_call(call, op, arguments);
}

/// The operator of LibTorch that a node calls. The interpreter of scripts has
/// an abs() of its own, which calls the one of LibTorch.
c10::OperatorName library_operator(const c10::FunctionSchema& schema) {
  return schema.name() == "prim::abs" ? c10::OperatorName("aten::abs", "")
                                      : schema.operator_name();
}

/// Says why a node that is not an operator of LibTorch is refused.
std::string refusal(const NodeCall& call) {
  const c10::FunctionSchema& schema = call.node.schema();
  if (schema.is_mutable()) {
    return "this kind of change to a list or dictionary is not supported";
  }
  return "its operands are not known before the model runs (" +
         (call.inputs.empty() ? "it has none" : describe(call.inputs.front())) +
         ")";
}

}  // namespace

Items lower_operator(const NodeCall& call) {
  const c10::FunctionSchema* schema = call.node.maybeSchema();
  if (schema == nullptr) {
    refuse(call, "TorchScript nodes of this kind are not supported");
  }
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto op = dispatcher.findSchema(library_operator(*schema));
  if (!op || op->schema().arguments().size() != call.inputs.size()) {
    refuse(call, refusal(call));
  }
  try {
    if (has_output_size(call)) {
      return lower_interpolation(call);
    }
    return add_call(call, *op, call.inputs);
  } catch (const Error& error) {
    refuse(call, error.what());
  }
}

}  // namespace pp::ts
