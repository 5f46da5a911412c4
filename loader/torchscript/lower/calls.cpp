#include "loader/torchscript/lower/calls.h"

#include "loader/torchscript/lower/checks.h"
#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/run.h"

namespace pp::ts {

namespace {

/// torch's marker for a cut. The call stays in a script, although the
/// function's body is optimised away.
constexpr std::string_view kPipeSplit =
    "__torch__.torch.distributed.pipelining._IR.pipe_split";

}  // namespace

std::optional<Items> lower_method_call(const NodeCall& call) {
  if (call.inputs.front().as<NoGrad>() != nullptr) {
    return Items{constant_item({})};  // its constructor
  }
  const auto* instance = call.inputs.front().as<Instance>();
  if (instance == nullptr) {
    refuse(call, "it calls a method, but only modules' methods are supported");
  }
  Lowering& lowering = call.lowering;
  const c10::ClassTypePtr type = instance->object->type();
  torch::jit::Function& method = type->getMethod(call.node.s(c10::attr::name));
  const bool enters =
      type->is_module() && lowering.modules.back().fqn != instance->fqn;
  if (enters) {
    lowering.modules.push_back(
        {instance->fqn, instance->fqn, python_name(*type)});
  }
  Items results = lower_function(lowering, method, call.inputs);
  if (enters) {
    lowering.modules.pop_back();
  }
  return results;
}

std::optional<Items> lower_function_call(const NodeCall& call) {
  const auto* callable = call.inputs.front().as<Callable>();
  if (callable == nullptr || callable->function == nullptr) {
    refuse(call, "the called function is not known before the model runs");
  }
  if (callable->function->qualname().qualifiedName() == kPipeSplit) {
    add_marker(call.lowering);
    return Items{constant_item({})};
  }
  if (only_checks(*callable->function)) {
    return Items{constant_item({})};
  }
  return lower_function(
      call.lowering,
      *callable->function,
      Items(call.inputs.begin() + 1, call.inputs.end()));
}

std::optional<Items> lower_raise(const NodeCall& call) {
  std::string why = "the model raises an exception for every input";
  const auto message = try_constant(call.inputs.front());
  if (message && message->isString()) {
    why += ": " + first_text_line(message->toStringRef());
  }
  refuse(call, why);
}

std::optional<Items> lower_message(const NodeCall& call) {
  return Items(call.node.outputs().size(), constant_item({}));
}

}  // namespace pp::ts
