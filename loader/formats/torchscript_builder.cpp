#include "loader/formats/torchscript_builder.h"

#include <algorithm>

#include <ATen/core/jit_type.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_hints.h"
#include "loader/formats/torchscript_numbers.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

using c10::TypeKind;

ir::Dim fixed(int64_t value) {
  return {.value = value, .expr = {}};
}

/// What the example's tensor tells: its sizes may be others in another call.
ir::TensorMeta meta_of(const at::Tensor& tensor, const std::string& name) {
  ir::TensorMeta out;
  out.dtype = static_cast<ir::ScalarType>(tensor.scalar_type());
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    const std::string number = std::to_string(i);
    out.sizes.push_back({tensor.size(i), name + "." + number});
    out.strides.push_back({tensor.stride(i), name + ".stride." + number});
  }
  return out;
}

ir::TensorMeta unknown_tensor() {
  ir::TensorMeta out;
  out.known = false;
  return out;
}

/// "aten::linear", "" -> "aten.linear.default"
std::string target_of(const c10::OperatorName& name) {
  std::string out = name.name;
  out.replace(out.find("::"), 2, ".");
  return out + "." +
         (name.overload_name.empty() ? "default" : name.overload_name);
}

std::string_view stem_of(const c10::OperatorName& name) {
  const std::string_view whole = name.name;
  return whole.substr(whole.find("::") + 2);
}

ir::TypeKind kind_of(const c10::TypePtr& type) {
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
      throw input_error("a result is " + type->str());
  }
}

bool is_tensor_list(const c10::TypePtr& type) {
  return type->kind() == TypeKind::ListType &&
         type->castRaw<c10::ListType>()->getElementType()->kind() ==
             TypeKind::TensorType;
}

}  // namespace

std::string Builder::unique_name(std::string_view stem) {
  std::string base(stem);
  while (base.starts_with('_') && base.size() > 1) {
    base.erase(0, 1);
  }
  int& number = next_number_[base];
  std::string name = number == 0 ? base : base + "_" + std::to_string(number);
  ++number;
  while (!names_.insert(name).second) {
    name = base + "_" + std::to_string(number++);
  }
  return name;
}

Made Builder::add_value(
    std::string_view stem,
    ir::TypeKind kind,
    const std::optional<c10::IValue>& hint) {
  ir::Value value;
  value.name = unique_name(stem);
  value.type.kind = kind;
  if (kind == ir::TypeKind::Tensor) {
    value.tensor = hint && hint->isTensor() && hint->toTensor().defined()
                       ? meta_of(hint->toTensor(), value.name)
                       : unknown_tensor();
  }
  hints_.push_back(hint);
  return {ir::add_value(graph_, std::move(value))};
}

Made Builder::add_state(
    const std::string& fqn,
    ir::StateKind kind,
    const at::Tensor& tensor,
    std::string_view stem) {
  StateRecord out;
  out.tensor.dtype = static_cast<ir::ScalarType>(tensor.scalar_type());
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    out.tensor.sizes.push_back(fixed(tensor.size(i)));
    out.tensor.strides.push_back(fixed(tensor.stride(i)));
  }
  out.tensor.storage_offset = fixed(tensor.storage_offset());
  out.tensor.requires_grad = tensor.requires_grad();
  if (tensor.layout() != c10::kStrided || tensor.is_quantized()) {
    throw input_error(
        "'" + fqn + "' is a sparse or quantised tensor; dense ones are " +
        "supported");
  }
  if (tensor.storage().nbytes() > 0) {
    const auto record = records_.find(tensor.storage().data());
    if (record == records_.end()) {
      throw input_error("'" + fqn + "' lies in no record of the archive");
    }
    out.record = record->second->name;
    out.offset = record->second->offset;
    out.num_bytes = record->second->num_bytes;
  }
  const Made made = add_value(stem, ir::TypeKind::Tensor, to_meta(tensor));
  graph_.values[static_cast<size_t>(made.id)].tensor = out.tensor;
  graph_.states.push_back(
      {.fqn = fqn,
       .kind = kind,
       .persistent = true,
       .value = made.id,
       .aliases = {}});
  state_records_.emplace(fqn, std::move(out));
  return made;
}

Item Builder::result(
    const c10::Argument& returned,
    std::string_view stem,
    const std::optional<c10::IValue>& hint,
    ir::NodeOutput& output) {
  if (is_tensor_list(returned.type())) {
    output.is_list = true;
    Compound list{
        .kind = Compound::Kind::List,
        .type = c10::ListType::ofTensors(),
        .items = {},
        .keys = {},
        .open_node = graph_.nodes.size(),
        .block = block_depth()};
    auto shared = std::make_shared<Compound>(std::move(list));
    if (hint && hint->isTensorList()) {
      shared->open_node.reset();
      for (const at::Tensor& tensor : hint->toTensorVector()) {
        const Made made = add_value(stem, ir::TypeKind::Tensor, tensor);
        output.ids.push_back(made.id);
        shared->items.push_back({made});
      }
    } else {
      open_nodes_.insert(graph_.nodes.size());
    }
    return {std::move(shared)};
  }
  const Made made = add_value(
      stem,
      kind_of(returned.type()),
      hint && returned.type()->kind() == TypeKind::TensorType &&
              hint->isTensor()
          ? hint
          : std::nullopt);
  output.ids.push_back(made.id);
  return {made};
}

std::vector<Item> Builder::call(
    const c10::OperatorHandle& op, const std::vector<Item>& arguments) {
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
         to_arg(arguments[i], argument.real_type()),
         argument.kwarg_only()});
  }
  node.modules = frames;
  const auto hints = run_on_meta(op, arguments);
  std::vector<Item> results;
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    const auto hint =
        hints && i < hints->size() ? std::optional((*hints)[i]) : std::nullopt;
    node.outputs.emplace_back();
    results.push_back(result(
        schema.returns()[i],
        stem_of(op.operator_name()),
        hint,
        node.outputs.back()));
  }
  if (const auto ids = ir::defines_of(node); !ids.empty()) {
    node.name = graph_.values[static_cast<size_t>(ids.front())].name;
  }
  mark_gradients(node);
  graph_.nodes.push_back(std::move(node));
  return results;
}

void Builder::mark_gradients(const ir::Node& node) {
  const auto tensor = [&](ir::ValueId id) -> std::optional<ir::TensorMeta>& {
    return graph_.values[static_cast<size_t>(id)].tensor;
  };
  const bool any = std::ranges::any_of(ir::reads_of(node), [&](ir::ValueId id) {
    return tensor(id) && tensor(id)->requires_grad;
  });
  for (const ir::ValueId id : ir::defines_of(node)) {
    if (any && tensor(id) && tensor(id)->known) {
      tensor(id)->requires_grad = ir::is_floating(tensor(id)->dtype);
    }
  }
}

std::vector<Item> Builder::call(
    const char* name,
    const char* overload,
    const std::vector<Item>& arguments) {
  return call(
      c10::Dispatcher::singleton().findSchemaOrThrow(name, overload),
      arguments);
}

Made Builder::call_builtin(
    std::string_view target,
    const std::vector<Item>& arguments,
    ir::TypeKind kind) {
  ir::Node node;
  node.target = target;
  for (const Item& argument : arguments) {
    node.inputs.push_back({"", to_arg(argument, nullptr), false});
  }
  std::optional<c10::IValue> hint;
  if (arguments.size() == 2) {
    const auto left = try_hint(arguments[0]);
    const auto right = try_hint(arguments[1]);
    if (left && right && left->isInt() && right->isInt()) {
      if (const auto n = try_compute(target, left->toInt(), right->toInt())) {
        hint = *n;
      }
    }
  }
  const Made made = add_value(target.substr(target.rfind('.') + 1), kind, hint);
  node.outputs.push_back({{made.id}, false});
  node.modules = frames;
  node.name = graph_.values[static_cast<size_t>(made.id)].name;
  graph_.nodes.push_back(std::move(node));
  return made;
}

void Builder::add_marker() {
  ir::Node node;
  node.target = "pippy._pipe_split.default";
  node.modules = frames;
  node.name = unique_name("pipe_split");
  graph_.nodes.push_back(std::move(node));
}

Made Builder::size_of(ir::ValueId tensor, int64_t dim) {
  const Made made =
      *call("aten::sym_size", "int", {Item{Made{tensor}}, Item{Fixed{dim}}})
           .front()
           .as<Made>();
  const auto& meta = graph_.values[static_cast<size_t>(tensor)].tensor;
  if (meta && meta->known) {
    const auto rank = static_cast<int64_t>(meta->sizes.size());
    const int64_t index = dim < 0 ? dim + rank : dim;
    if (index >= 0 && index < rank) {
      const ir::Dim& size = meta->sizes[static_cast<size_t>(index)];
      graph_.values[static_cast<size_t>(made.id)].scalar = size;
      hints_[static_cast<size_t>(made.id)] = c10::IValue(size.value);
    }
  }
  return made;
}

void Builder::settle(Compound& list, size_t length) {
  if (!list.open_node) {
    return;
  }
  if (list.block != block_depth()) {
    throw input_error(
        "takes apart, in a branch or loop, a list of unknown length that was "
        "made outside");
  }
  const size_t position = *list.open_node;
  std::string stem = graph_.nodes[position].target;
  stem.erase(stem.rfind('.'));
  stem.erase(0, stem.rfind('.') + 1);
  for (size_t i = 0; i < length; ++i) {
    const Made made = add_value(stem, ir::TypeKind::Tensor);
    graph_.nodes[position].outputs.front().ids.push_back(made.id);
    list.items.push_back({made});
  }
  if (length > 0) {
    const auto first = graph_.nodes[position].outputs.front().ids.front();
    graph_.nodes[position].name =
        graph_.values[static_cast<size_t>(first)].name;
  }
  list.open_node.reset();
  open_nodes_.erase(position);
}

void Builder::drop_open_nodes() {
  for (const size_t position : open_nodes_) {
    graph_.nodes[position].target.clear();
  }
  std::erase_if(
      graph_.nodes, [](const ir::Node& node) { return node.target.empty(); });
  open_nodes_.clear();
}

void Builder::finish() {
  check(outer_.empty(), "every block is closed");
  drop_open_nodes();
}

}  // namespace pp::ts
