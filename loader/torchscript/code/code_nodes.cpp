#include "loader/torchscript/code/code_nodes.h"

#include <algorithm>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/core/error.h"
#include "loader/ir/operator_parts.h"
#include "loader/torchscript/code/code_blocks.h"
#include "loader/torchscript/lower/number_functions.h"

namespace pp::ts {

namespace {

using torch::jit::Value;

c10::OperatorHandle find_operator(const ir::Node& node) {
  const ir::OperatorParts parts = ir::operator_parts(node.target);
  if (!parts.library.empty() && !parts.overload.empty()) {
    if (const auto op = c10::Dispatcher::singleton().findSchema(
            {parts.qualified_name(),
             std::string(parts.registered_overload())})) {
      return *op;
    }
  }
  refuse_node(node, "LibTorch has no such operator");
}

/// Finds the node's argument for an argument of the schema; null if there is
/// none.
const ir::Arg* try_find_argument(
    const ir::Node& node, const std::string& name, size_t position) {
  const auto named = std::ranges::find(node.inputs, name, &ir::NamedArg::name);
  if (named != node.inputs.end()) {
    return &named->arg;
  }
  const bool is_positional =
      position < node.inputs.size() && node.inputs[position].name.empty();
  return is_positional ? &node.inputs[position].arg : nullptr;
}

/// The value of an argument, or of its default.
Value* argument_value(
    CodeDraft& draft,
    const ir::Node& node,
    const c10::Argument& argument,
    size_t position) {
  const ir::Arg* given = try_find_argument(node, argument.name(), position);
  if (given != nullptr) {
    return to_code_value(draft, *given, argument.type());
  }
  if (argument.default_value()) {
    return draft.code->insertConstant(*argument.default_value());
  }
  if (argument.type()->kind() != c10::TypeKind::OptionalType) {
    refuse_node(node, "its argument '" + argument.name() + "' is missing");
  }
  return draft.code->insertConstant(c10::IValue());
}

/// Records the value of a result. A list is unpacked.
void set_result(CodeDraft& draft, const ir::NodeOutput& output, Value* value) {
  if (!output.is_list) {
    if (output.ids.at(0) != ir::kNoValue) {
      draft.value(output.ids[0]) = value;
    }
    return;
  }
  torch::jit::Node* unpacked = draft.code->insertNode(
      draft.code->createListUnpack(value, output.ids.size()));
  for (size_t i = 0; i < output.ids.size(); ++i) {
    if (output.ids[i] != ir::kNoValue) {
      draft.value(output.ids[i]) = unpacked->outputs()[i];
    }
  }
}

void add_code_operator(CodeDraft& draft, const ir::Node& node) {
  const c10::OperatorHandle op = find_operator(node);
  const c10::FunctionSchema& schema = op.schema();
  std::vector<Value*> inputs;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    inputs.push_back(argument_value(draft, node, schema.arguments()[i], i));
  }
  torch::jit::Node* added =
      insert_code_node(draft, schema.name(), inputs, schema.returns().size());
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    added->outputs()[i]->setType(code_type(schema.returns()[i].type()));
  }
  const auto* found = added->maybeSchema();
  if (found == nullptr || found->overload_name() != schema.overload_name()) {
    refuse_node(node, "TorchScript resolves it to a different overload");
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    set_result(draft, node.outputs[i], added->outputs()[i]);
  }
}

void add_number_operator(
    CodeDraft& draft, const ir::Node& node, std::string_view name) {
  std::vector<Value*> inputs;
  for (const ir::NamedArg& input : node.inputs) {
    inputs.push_back(to_code_value(draft, input.arg, nullptr));
  }
  torch::jit::Node* added = insert_code_node(draft, name, inputs, 1);
  const ir::ValueId id = node.outputs.at(0).ids.at(0);
  added->output()->setType(code_type(draft.type_of(id)));
  if (added->maybeOperator() == nullptr) {
    refuse_node(node, "TorchScript has no such operator on numbers");
  }
  draft.value(id) = added->output();
}

/// TorchScript's round() returns a float.
void add_rounding(CodeDraft& draft, const ir::Node& node) {
  Value* number = to_code_value(draft, node.inputs.at(0).arg, nullptr);
  Value* rounded =
      insert_code_node(draft, "aten::round", {number}, 1)->output();
  rounded->setType(c10::FloatType::get());
  Value* whole = insert_code_node(draft, "aten::Int", {rounded}, 1)->output();
  whole->setType(c10::IntType::get());
  draft.value(node.outputs.at(0).ids.at(0)) = whole;
}

bool reads_bool(const CodeDraft& draft, const ir::Node& node) {
  return node.target == "aten.item.default" &&
         draft.type_of(node.outputs.at(0).ids.at(0)).kind == ir::TypeKind::Bool;
}

}  // namespace

void refuse_node(const ir::Node& node, const std::string& why) {
  throw input_error(
      "node '" + node.name + "' (" + node.target +
      ") can't be written as TorchScript: " + why);
}

torch::jit::Node* insert_code_node(
    CodeDraft& draft,
    std::string_view kind,
    const std::vector<Value*>& inputs,
    size_t num_outputs) {
  const auto symbol = c10::Symbol::fromQualString(std::string(kind));
  return draft.code->insertNode(
      draft.code->create(symbol, inputs, num_outputs));
}

void add_code_node(CodeDraft& draft, const ir::Node& node) {
  if (!node.grad_enabled || node.autocast) {
    refuse_node(node, "it is in a no-grad or autocast region");
  }
  if (const auto name = number_operator(node.target); !name.empty()) {
    add_number_operator(draft, node, name);
  } else if (node.target == "prim::If" || node.target == "prim::Loop") {
    add_code_control_flow(draft, node);
  } else if (node.target == "round") {
    add_rounding(draft, node);
  } else if (reads_bool(draft, node)) {
    add_number_operator(draft, node, "aten::Bool");
  } else if (node.target == "aten.sym_size.int") {
    add_number_operator(draft, node, "aten::size");
  } else {
    add_code_operator(draft, node);
  }
}

}  // namespace pp::ts
