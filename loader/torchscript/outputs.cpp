#include "loader/torchscript/outputs.h"

#include <utility>

#include <ATen/core/jit_type.h>

#include "loader/core/error.h"
#include "loader/exported_program/tree.h"
#include "loader/torchscript/lower/arguments.h"

namespace pp::ts {

namespace {

/// The leaves found so far, and the path to each.
struct OutputLeaves {
  std::vector<ir::Arg> values;
  std::vector<ep::TreePath> paths;
};

Returned::Kind returned_kind(Container::Kind kind) {
  switch (kind) {
    case Container::Kind::List:
      return Returned::Kind::List;
    case Container::Kind::Dict:
      return Returned::Kind::Dict;
    default:
      return Returned::Kind::Tuple;
  }
}

/// If `tuple` is a named tuple, adds the names of its type and its fields.
void add_field_names(const Container& tuple, Returned& out) {
  const auto type = tuple.type ? tuple.type->cast<c10::TupleType>() : nullptr;
  if (!type || !type->name() || !type->schema()) {
    return;
  }
  out.type_name = type->name()->qualifiedName();
  for (const c10::Argument& field : type->schema()->arguments()) {
    out.keys.push_back(field.name());
  }
}

Returned find_leaves(
    Lowering& lowering,
    const Item& item,
    const ep::TreePath& path,
    OutputLeaves& leaves) {
  const Container* container = item.container();
  if (container == nullptr) {
    leaves.values.push_back(to_arg(lowering, item, c10::TensorType::get()));
    leaves.paths.push_back(path);
    return {};
  }
  if (container->open_node) {
    throw input_error(
        "forward returns a list whose length is not known before the model "
        "runs");
  }
  lowering.steps.add(container->items.size());
  Returned out;
  out.kind = returned_kind(container->kind);
  out.keys = container->keys;
  if (out.kind == Returned::Kind::Tuple) {
    add_field_names(*container, out);
  }
  for (size_t i = 0; i < container->items.size(); ++i) {
    ep::TreePath inner = path;
    inner.push_back(
        out.keys.empty() ? ep::TreeStep{std::to_string(i), false}
                         : ep::TreeStep{out.keys[i], true});
    out.children.push_back(
        find_leaves(lowering, container->items[i], inner, leaves));
  }
  return out;
}

}  // namespace

Returned add_outputs(Lowering& lowering, const Item& returned) {
  OutputLeaves leaves;
  Returned out = find_leaves(lowering, returned, {}, leaves);
  const std::vector<std::string> names = ep::output_names(leaves.paths);
  for (size_t i = 0; i < names.size(); ++i) {
    lowering.graph.outputs.push_back({names[i], std::move(leaves.values[i])});
  }
  return out;
}

}  // namespace pp::ts
