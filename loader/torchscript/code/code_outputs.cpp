#include "loader/torchscript/code/code_outputs.h"

#include <string>

#include "loader/core/error.h"

namespace pp::ts {

namespace {

using torch::jit::Value;

/// The type of a named tuple; null if `returned` is no named tuple.
c10::TupleTypePtr named_tuple_type(
    torch::jit::CompilationUnit& unit,
    const Returned& returned,
    const std::vector<Value*>& items) {
  if (returned.type_name.empty()) {
    return nullptr;
  }
  std::vector<c10::TypePtr> types;
  for (const Value* item : items) {
    types.push_back(item->type());
  }
  const c10::QualifiedName name(returned.type_name);
  auto type = c10::TupleType::createNamed(name, returned.keys, types);
  if (unit.get_type(name) == nullptr) {
    unit.register_type(type);
  }
  return type;
}

/// Builds the structure from the leaves at `next` on, and advances `next`.
Value* add_structure(
    torch::jit::Graph& code,
    torch::jit::CompilationUnit& unit,
    const Returned& returned,
    const std::vector<Value*>& leaves,
    size_t& next) {
  if (returned.kind == Returned::Kind::Leaf) {
    check(next < leaves.size(), "each leaf has an output");
    return leaves[next++];
  }
  std::vector<Value*> items;
  for (const Returned& child : returned.children) {
    items.push_back(add_structure(code, unit, child, leaves, next));
  }
  const c10::TypePtr element = items.empty()
                                   ? c10::TypePtr(c10::TensorType::get())
                                   : items.front()->type();
  torch::jit::Node* node = nullptr;
  if (returned.kind == Returned::Kind::List) {
    node = code.createList(element, items);
  } else if (returned.kind == Returned::Kind::Dict) {
    std::vector<Value*> keys;
    for (const std::string& key : returned.keys) {
      keys.push_back(code.insertConstant(key));
    }
    node = code.createDict(c10::StringType::get(), element, keys, items);
  } else {
    node = code.createTuple(items, named_tuple_type(unit, returned, items));
  }
  return code.insertNode(node)->output();
}

}  // namespace

void add_code_outputs(
    CodeDraft& draft,
    torch::jit::CompilationUnit& unit,
    const Returned* returned) {
  torch::jit::Graph& code = *draft.code;
  std::vector<Value*> leaves;
  for (const ir::Output& output : draft.graph->outputs) {
    leaves.push_back(to_code_value(draft, output.value, nullptr));
  }
  if (returned == nullptr) {
    code.registerOutput(code.insertNode(code.createTuple(leaves))->output());
    return;
  }
  size_t next = 0;
  Value* whole = add_structure(code, unit, *returned, leaves, next);
  check(next == leaves.size(), "each output has a leaf");
  code.registerOutput(whole);
}

}  // namespace pp::ts
