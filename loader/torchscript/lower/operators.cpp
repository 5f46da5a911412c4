#include "loader/torchscript/lower/operators.h"

#include <string_view>

#include "loader/core/error.h"
#include "loader/torchscript/lower/grad_mode.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

/// Whether the sizes of an interpolation are given, not factors.
bool has_output_size(const NodeCall& call) {
  const std::string_view kind = call.node.kind().toQualString();
  return (kind.starts_with("aten::upsample_") ||
          kind.starts_with("aten::_upsample_")) &&
         call.node.schema().overload_name() == "vec" &&
         call.inputs.size() > 2 && !call.inputs[1].is_none() &&
         call.inputs.back().is_none();
}

/// Lowers an interpolation to given sizes to the overload that takes only
/// sizes. When code is read, TorchScript chooses that overload, too.
Items lower_interpolation(const NodeCall& call) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(
      call.node.kind().toQualString(), "");
  Items arguments(call.inputs.begin(), call.inputs.end() - 1);
  arguments.resize(op.schema().arguments().size(), constant_item({}));
  return add_operator(call.lowering, op, arguments);
}

}  // namespace

Items lower_operator(const NodeCall& call) {
  const c10::FunctionSchema* schema = call.node.maybeSchema();
  if (schema == nullptr) {
    refuse(call, "this part of TorchScript can't be lowered to a graph");
  }
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto op = dispatcher.findSchema(schema->operator_name());
  if (!op || op->schema().arguments().size() != call.inputs.size()) {
    const std::string operand =
        call.inputs.empty() ? "nothing" : describe(call.inputs.front());
    refuse(
        call,
        "its operands are not known before the model runs (" + operand + ")");
  }
  try {
    if (has_output_size(call)) {
      return lower_interpolation(call);
    }
    if (call.lowering.no_grad_depth > 0) {
      return add_operator_without_grad(call, *op);
    }
    return add_operator(call.lowering, *op, call.inputs);
  } catch (const Error& error) {
    refuse(call, error.what());
  }
}

}  // namespace pp::ts
