#include "loader/formats/torchscript_builder.h"

#include <algorithm>

#include <ATen/core/jit_type.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_hints.h"
#include "loader/formats/torchscript_numbers.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

using c10::TypeKind;

const c10::TypePtr& unwrap(const c10::TypePtr& type) {
  if (type && type->kind() == TypeKind::OptionalType) {
    return type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

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

at::Tensor to_meta(const at::Tensor& tensor) {
  return at::empty_strided(
      tensor.sizes(), tensor.strides(), tensor.options().device(at::kMeta));
}

ir::Arg constant_arg(const c10::IValue& value, const c10::TypePtr& wanted) {
  const TypeKind kind = wanted ? wanted->kind() : TypeKind::AnyType;
  if (value.isNone()) {
    return {ir::None{}};
  }
  if (value.isBool()) {
    return {value.toBool()};
  }
  if (value.isInt()) {
    const int64_t number = value.toInt();
    switch (kind) {
      case TypeKind::ScalarTypeType:
        return {static_cast<ir::ScalarType>(number)};
      case TypeKind::LayoutType:
        return {static_cast<ir::Layout>(number)};
      case TypeKind::MemoryFormatType:
        return {static_cast<ir::MemoryFormat>(number)};
      default:
        return {number};
    }
  }
  if (value.isDouble()) {
    return {value.toDouble()};
  }
  if (value.isString()) {
    return {value.toStringRef()};
  }
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    return {ir::Complex{number.real(), number.imag()}};
  }
  if (value.isDevice()) {
    const c10::Device device = value.toDevice();
    return {
        ir::Device{c10::DeviceTypeName(device.type(), true), device.index()}};
  }
  throw input_error(
      "an argument is a constant " + value.tagKind() +
      ", which can't be written into a graph");
}

ir::ListKind list_kind(const c10::TypePtr& element) {
  switch (element ? element->kind() : TypeKind::AnyType) {
    case TypeKind::TensorType:
      return ir::ListKind::Tensors;
    case TypeKind::OptionalType:
      return ir::ListKind::OptionalTensors;
    case TypeKind::FloatType:
      return ir::ListKind::Floats;
    case TypeKind::BoolType:
      return ir::ListKind::Bools;
    case TypeKind::StringType:
      return ir::ListKind::Strings;
    default:
      return ir::ListKind::Ints;
  }
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

std::optional<at::Tensor> Builder::try_hint(ir::ValueId id) const {
  const auto& hint = hints_[static_cast<size_t>(id)];
  return hint && hint->isTensor() && hint->toTensor().defined()
             ? std::optional(hint->toTensor())
             : std::nullopt;
}

std::optional<c10::IValue> Builder::try_hint(const Item& item) const {
  if (const auto* fixed_item = item.as<Fixed>()) {
    return fixed_item->value.isDevice() ? c10::IValue(c10::Device(at::kMeta))
                                        : fixed_item->value;
  }
  if (const auto* made = item.as<Made>()) {
    return hints_[static_cast<size_t>(made->id)];
  }
  if (const auto* literal = item.as<Literal>()) {
    return to_meta(literal->tensor);
  }
  if (item.as<Number>() != nullptr) {
    return at::scalar_tensor(0, at::TensorOptions(at::kLong).device(at::kMeta));
  }
  const Compound* compound = item.compound();
  if (compound == nullptr || compound->open_node ||
      compound->kind != Compound::Kind::List) {
    return std::nullopt;
  }
  const auto list = compound->type ? compound->type->cast<c10::ListType>()
                                   : c10::ListTypePtr();
  c10::impl::GenericList out(
      list ? list->getElementType() : c10::AnyType::get());
  for (const Item& each : compound->items) {
    auto hint = try_hint(each);
    if (!hint) {
      return std::nullopt;
    }
    out.push_back(std::move(*hint));
  }
  return out;
}

std::optional<c10::IValue> Builder::try_number(const Literal& literal) const {
  const at::Tensor& tensor = literal.tensor;
  if (tensor.dim() != 0 || !tensor.is_cpu()) {
    return std::nullopt;
  }
  const auto record = records_.find(tensor.storage().data());
  if (record != records_.end() && record->second->name.starts_with("data/")) {
    return std::nullopt;  // its bytes were withheld
  }
  return c10::IValue(tensor.item());
}

Made Builder::made_of(const Literal& literal) {
  const void* key = literal.tensor.unsafeGetTensorImpl();
  if (const auto found = literals_.find(key); found != literals_.end()) {
    return found->second;
  }
  std::string fqn;
  do {
    fqn = "lifted_tensor_" + std::to_string(next_number_["a literal"]++);
  } while (ir::try_find_state(graph_, fqn) >= 0);
  const Made made =
      add_state(fqn, ir::StateKind::Constant, literal.tensor, "c_" + fqn);
  literals_.emplace(key, made);
  return made;
}

Made Builder::made_of(const Number& number) {
  const bool is_fixed = std::holds_alternative<Fixed>(number.number);
  const Item item = is_fixed ? Item{std::get<Fixed>(number.number)}
                             : Item{std::get<Made>(number.number)};
  at::ScalarType dtype = at::kLong;
  if (is_fixed) {
    const c10::IValue& value = std::get<Fixed>(number.number).value;
    dtype = value.isDouble() ? at::kDouble
                             : (value.isBool() ? at::kBool : at::kLong);
  } else {
    const auto id = static_cast<size_t>(std::get<Made>(number.number).id);
    const ir::TypeKind kind = graph_.values[id].type.kind;
    dtype = kind == ir::TypeKind::Float
                ? at::kDouble
                : (kind == ir::TypeKind::Bool ? at::kBool : at::kLong);
  }
  const Item none{Fixed{c10::IValue()}};
  const Item type{Fixed{c10::IValue(static_cast<int64_t>(dtype))}};
  return *call("aten::scalar_tensor", "", {item, type, none, none, none})
              .front()
              .as<Made>();
}

ir::Arg Builder::list_arg(const Compound& list, const c10::TypePtr& type) {
  if (list.open_node) {
    throw input_error(
        "takes a list of tensors whose length is not known before it runs");
  }
  const c10::TypePtr& wanted = unwrap(type);
  c10::TypePtr element;
  if (wanted && wanted->kind() == TypeKind::ListType) {
    element = wanted->castRaw<c10::ListType>()->getElementType();
  } else if (list.type && list.type->kind() == TypeKind::ListType) {
    element = list.type->castRaw<c10::ListType>()->getElementType();
  }
  ir::List out{.kind = list_kind(element), .items = {}};
  for (const Item& item : list.items) {
    out.items.push_back(to_arg(item, element));
  }
  return {std::move(out)};
}

ir::Arg Builder::to_arg(const Item& item, const c10::TypePtr& type) {
  const c10::TypePtr& wanted = unwrap(type);
  const bool wants_list = wanted && wanted->kind() == TypeKind::ListType;
  if (const auto* fixed_item = item.as<Fixed>()) {
    if (wants_list && !fixed_item->value.isNone()) {
      // A lone number stands for a list of them ("int[2] stride=2").
      return list_arg(
          {.kind = Compound::Kind::List,
           .type = wanted,
           .items = {item},
           .keys = {},
           .open_node = {}},
          wanted);
    }
    return constant_arg(fixed_item->value, wanted);
  }
  if (const auto* made = item.as<Made>()) {
    return {ir::Ref{made->id}};
  }
  if (const auto* literal = item.as<Literal>()) {
    return {ir::Ref{made_of(*literal).id}};
  }
  if (const auto* number = item.as<Number>()) {
    return {ir::Ref{made_of(*number).id}};
  }
  if (const auto* sizes = item.as<Sizes>()) {
    const auto hint = try_hint(sizes->tensor);
    if (hint) {
      ir::List out{.kind = ir::ListKind::Ints, .items = {}};
      for (int64_t i = 0; i < hint->dim(); ++i) {
        out.items.push_back({ir::Ref{size_of(sizes->tensor, i).id}});
      }
      return {std::move(out)};
    }
  }
  if (const Compound* compound = item.compound();
      compound != nullptr && compound->kind == Compound::Kind::List) {
    return list_arg(*compound, type);
  }
  throw input_error("can't take " + describe(item));
}

std::optional<std::vector<c10::IValue>> Builder::run_on_meta(
    const c10::OperatorHandle& op, const std::vector<Item>& arguments) const {
  torch::jit::Stack stack;
  for (const Item& argument : arguments) {
    auto hint = try_hint(argument);
    if (!hint) {
      return std::nullopt;
    }
    stack.push_back(std::move(*hint));
  }
  if (auto known = try_result_hints(op.schema().name(), stack)) {
    return known;
  }
  const c10::AutoGradMode no_grad(false);
  try {
    op.callBoxed(stack);
    for (c10::IValue& value : stack) {
      if (value.isTensor() && value.toTensor().defined() &&
          !value.toTensor().is_meta()) {
        value = to_meta(value.toTensor());  // made without any tensor
      }
    }
  } catch (const std::exception&) {
    return std::nullopt;  // not without the numbers themselves
  }
  return stack;
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
        .open_node = graph_.nodes.size()};
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

void Builder::finish() {
  for (const size_t position : open_nodes_) {
    graph_.nodes[position].target.clear();
  }
  std::erase_if(
      graph_.nodes, [](const ir::Node& node) { return node.target.empty(); });
  open_nodes_.clear();
}

}  // namespace pp::ts
