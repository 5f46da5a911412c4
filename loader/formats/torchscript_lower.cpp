#include "loader/formats/torchscript_lower.h"

#include <algorithm>
#include <array>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_archive.h"
#include "loader/formats/torchscript_checks.h"

namespace pp::ts {

namespace {

constexpr int kMostDepth = 200;
constexpr size_t kMostNodes = 1'000'000;
/// torch's own marker: the call stays in a script, its body is optimised away.
constexpr std::string_view kPipeSplit =
    "__torch__.torch.distributed.pipelining._IR.pipe_split";

/// "__torch__.torch.nn.modules.linear.___torch_mangle_3.Linear"
/// -> "torch.nn.modules.linear.Linear"
std::string python_name(const c10::ClassType& type) {
  std::string out;
  if (!type.name()) {
    return out;
  }
  for (const std::string& atom : type.name()->atoms()) {
    if (atom != "__torch__" && !atom.starts_with("___torch_mangle_")) {
      out += (out.empty() ? "" : ".") + atom;
    }
  }
  return out;
}

}  // namespace

void Lowering::refuse(
    const torch::jit::Node& node, const std::string& why) const {
  const std::string module =
      builder_.frames.empty() ? "" : builder_.frames.back().fqn;
  std::string place;
  if (const auto line = node.sourceRange().file_line_col()) {
    place = " (" + std::get<0>(*line) + ", line " +
            std::to_string(std::get<1>(*line)) + ")";
  }
  throw input_error(
      where_ + ": '" + std::string(node.kind().toQualString()) + "'" +
      (module.empty() ? "" : " in " + module) + place + ": " + why);
}

Lowering::Handler Lowering::try_handler(std::string_view kind) {
  using L = Lowering;
  static constexpr std::array kRows = {
      Row{"prim::Constant", &L::constant},
      Row{"prim::GetAttr", &L::get_attribute},
      Row{"prim::SetAttr", &L::set_attribute},
      Row{"prim::CallMethod", &L::call_method},
      Row{"prim::CallFunction", &L::call_function},
      Row{"prim::ListConstruct", &L::construct},
      Row{"prim::TupleConstruct", &L::construct},
      Row{"prim::DictConstruct", &L::construct},
      Row{"prim::ListUnpack", &L::unpack},
      Row{"prim::TupleUnpack", &L::unpack},
      Row{"prim::TupleIndex", &L::index_tuple},
      Row{"prim::If", &L::branch},
      Row{"prim::Loop", &L::loop},
      Row{"prim::RaiseException", &L::raise},
      Row{"prim::NumToTensor", &L::number_to_tensor},
      Row{"aten::Int", &L::to_number},
      Row{"aten::Float", &L::to_number},
      Row{"aten::Bool", &L::to_number},
      Row{"aten::IntImplicit", &L::to_number},
      Row{"aten::FloatImplicit", &L::to_number},
      Row{"aten::ScalarImplicit", &L::to_number},
      Row{"aten::item", &L::to_number},
      Row{"aten::size", &L::size},
      Row{"aten::len", &L::length},
      Row{"aten::dim", &L::num_dims},
      Row{"prim::dtype", &L::element_type},
      Row{"prim::device", &L::device},
      Row{"aten::__getitem__", &L::get_item},
      Row{"aten::append", &L::append},
      Row{"aten::add", &L::join_lists},
      Row{"aten::slice", &L::slice_list},
      Row{"aten::__is__", &L::is_same},
      Row{"aten::__isnot__", &L::is_same},
      Row{"prim::unchecked_cast", &L::pass},
      Row{"prim::unchecked_unwrap_optional", &L::pass},
      Row{"aten::_unwrap_optional", &L::pass},
      Row{"prim::Uninitialized", &L::nothing},
      Row{"prim::Print", &L::nothing},
      Row{"aten::warn", &L::nothing},
  };
  const auto* row = std::ranges::find(kRows, kind, &Row::kind);
  return row == kRows.end() ? nullptr : row->handler;
}

Item Lowering::run(
    const torch::jit::Module& module, const std::vector<Item>& inputs) {
  const auto object = module._ivalue();
  builder_.frames = {{"", "", python_name(*object->type())}};
  Items arguments{Item{Instance{object, ""}}};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  Items results =
      run_function(module.get_method("forward").function(), arguments);
  check(results.size() == 1, "forward returns one thing");
  return results.front();
}

Lowering::Items Lowering::run_function(
    torch::jit::Function& function, const Items& inputs) {
  auto* code = torch::jit::tryToGraphFunction(function);
  if (code == nullptr) {
    throw input_error(
        where_ + ": '" + function.qualname().qualifiedName() +
        "' is no function in TorchScript");
  }
  if (++depth_ > kMostDepth) {
    throw input_error(
        where_ + ": functions call one another more than " +
        std::to_string(kMostDepth) + " deep");
  }
  const auto graph = code->graph();
  check(graph->inputs().size() == inputs.size(), "an item for each input");
  Values values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    values[graph->inputs()[i]] = inputs[i];
  }
  run_block(*graph->block(), values);
  Items out;
  for (const torch::jit::Value* output : graph->outputs()) {
    out.push_back(values.at(output));
  }
  --depth_;
  return out;
}

void Lowering::run_block(const torch::jit::Block& block, Values& values) {
  for (const torch::jit::Node* node : block.nodes()) {
    const Items results = lower(*node, values);
    if (node->outputs().size() > results.size()) {
      refuse(
          *node,
          "gives " + std::to_string(node->outputs().size()) + " values, not " +
              std::to_string(results.size()));
    }
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      values[node->outputs()[i]] = results[i];
    }
    if (builder_.graph().nodes.size() > kMostNodes) {
      refuse(*node, "the graph would have more than a million nodes");
    }
  }
}

Lowering::Items Lowering::lower(const torch::jit::Node& node, Values& values) {
  Items inputs;
  for (const torch::jit::Value* input : node.inputs()) {
    inputs.push_back(values.at(input));
  }
  const Call call{node, inputs, values};
  if (const Handler handler = try_handler(node.kind().toQualString())) {
    if (auto results = (this->*handler)(call)) {
      return std::move(*results);
    }
  }
  if (auto folded = try_fold(call)) {
    return std::move(*folded);
  }
  if (auto numbers = try_numbers(call)) {
    return std::move(*numbers);
  }
  return lower_operator(call);
}

Lowering::Items Lowering::lower_operator(const Call& call) {
  const c10::FunctionSchema* schema = call.node.maybeSchema();
  if (schema == nullptr) {
    refuse(call.node, "this part of TorchScript can't be lowered to a graph");
  }
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto op = dispatcher.findSchema(schema->operator_name());
  if (!op || op->schema().arguments().size() != call.inputs.size()) {
    refuse(
        call.node,
        "works on what is not known before it runs (" +
            (call.inputs.empty() ? "nothing" : describe(call.inputs.front())) +
            ")");
  }
  try {
    return builder_.call(*op, call.inputs);
  } catch (const Error& error) {
    refuse(call.node, error.what());
  }
}

// --- modules and functions ---

std::optional<Lowering::Items> Lowering::constant(const Call& call) {
  const torch::jit::Value* output = call.node.output();
  if (const auto type = output->type()->cast<c10::FunctionType>()) {
    return Items{{Callable{type->function()}}};
  }
  const auto value = torch::jit::toIValue(output);
  check(value.has_value(), "a constant has a value");
  try {
    return Items{item_of(*value)};
  } catch (const Error& error) {
    refuse(call.node, error.what());
  }
}

std::optional<Lowering::Items> Lowering::get_attribute(const Call& call) {
  const std::string& name = call.node.s(c10::attr::name);
  const auto* instance = call.inputs.front().as<Instance>();
  if (instance == nullptr) {
    refuse(call.node, "'" + name + "' of something that is no module");
  }
  const c10::IValue& value = instance->object->getAttr(name);
  if (value.isObject()) {
    const std::string prefix = instance->fqn.empty() ? "" : instance->fqn + ".";
    return Items{{Instance{value.toObject(), prefix + name}}};
  }
  if (value.isTensor()) {
    if (const Made* made = states_.try_find(*instance->object, name)) {
      return Items{{*made}};
    }
  }
  try {
    return Items{item_of(value)};
  } catch (const Error& error) {
    refuse(call.node, "attribute '" + name + "': " + error.what());
  }
}

std::optional<Lowering::Items> Lowering::set_attribute(const Call& call) {
  refuse(
      call.node,
      "the model sets its attribute '" + call.node.s(c10::attr::name) +
          "' while it runs; write buffers in place instead");
}

std::optional<Lowering::Items> Lowering::call_method(const Call& call) {
  const auto* instance = call.inputs.front().as<Instance>();
  if (instance == nullptr) {
    refuse(call.node, "a method of something that is no module");
  }
  const c10::ClassTypePtr type = instance->object->type();
  torch::jit::Function& method = type->getMethod(call.node.s(c10::attr::name));
  const bool enters =
      type->is_module() && builder_.frames.back().fqn != instance->fqn;
  if (enters) {
    builder_.frames.push_back(
        {instance->fqn, instance->fqn, python_name(*type)});
  }
  Items results = run_function(method, call.inputs);
  if (enters) {
    builder_.frames.pop_back();
  }
  return results;
}

std::optional<Lowering::Items> Lowering::call_function(const Call& call) {
  const auto* callable = call.inputs.front().as<Callable>();
  if (callable == nullptr || callable->function == nullptr) {
    refuse(call.node, "what it calls is not known before it runs");
  }
  if (callable->function->qualname().qualifiedName() == kPipeSplit) {
    builder_.add_marker();
    return Items{{Fixed{c10::IValue()}}};
  }
  if (only_checks(*callable->function)) {
    return Items{{Fixed{c10::IValue()}}};
  }
  return run_function(
      *callable->function, Items(call.inputs.begin() + 1, call.inputs.end()));
}

std::optional<Lowering::Items> Lowering::raise(const Call& call) {
  std::string what = "the model raises an exception whatever its inputs are";
  const auto message = try_constant(call.inputs.front());
  if (message && message->isString()) {
    what += ": " + first_line(message->toStringRef());
  }
  refuse(call.node, what);
}

}  // namespace pp::ts
