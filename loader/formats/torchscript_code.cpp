#include "loader/formats/torchscript_code.h"

#include <algorithm>
#include <utility>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/jit_type.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_numbers.h"

namespace pp::ts {

namespace {

using torch::jit::Value;

c10::TypePtr without_optional(const c10::TypePtr& type) {
  if (type && type->kind() == c10::TypeKind::OptionalType) {
    return type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

/// The type that code has for what a schema calls a symbolic integer.
c10::TypePtr in_code(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::SymIntType) {
    return c10::IntType::get();
  }
  if (type->kind() == c10::TypeKind::ListType) {
    return c10::ListType::create(
        in_code(type->castRaw<c10::ListType>()->getElementType()));
  }
  return type;
}

c10::TypePtr type_of(const ir::Type& type) {
  switch (type.kind) {
    case ir::TypeKind::Int:
      return c10::IntType::get();
    case ir::TypeKind::Float:
      return c10::FloatType::get();
    case ir::TypeKind::Bool:
      return c10::BoolType::get();
    default:
      return c10::TensorType::get();
  }
}

c10::TypePtr element_type(ir::ListKind kind) {
  switch (kind) {
    case ir::ListKind::Tensors:
      return c10::TensorType::get();
    case ir::ListKind::OptionalTensors:
      return c10::OptionalType::ofTensor();
    case ir::ListKind::Floats:
      return c10::FloatType::get();
    case ir::ListKind::Bools:
      return c10::BoolType::get();
    case ir::ListKind::Strings:
      return c10::StringType::get();
    default:
      return c10::IntType::get();
  }
}

/// A name that Python takes for an argument.
std::string identifier(const std::string& name) {
  std::string out = name;
  std::ranges::replace_if(
      out, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  const bool digit =
      out.empty() || std::isdigit(static_cast<unsigned char>(out[0])) != 0;
  return digit ? "x_" + out : out;
}

class Coder {
 public:
  Coder(const ir::Graph& graph, ModuleTree& modules)
      : graph_(&graph),
        modules_(modules),
        code_(std::make_shared<torch::jit::Graph>()),
        values_(graph.values.size(), nullptr) {}

  std::shared_ptr<torch::jit::Graph> run(const Returned* returned) {
    check(graph_->mutations.empty(), "TorchScript writes buffers in place");
    Value* self = code_->addInput("self");
    self->setType(modules_.root()._ivalue()->type());
    for (const ir::Input& input : graph_->inputs) {
      Value* value = code_->addInput(identifier(input.name));
      value->setType(type_of(value_of(input.value).type));
      values_[static_cast<size_t>(input.value)] = value;
    }
    for (const ir::State& state : graph_->states) {
      values_[static_cast<size_t>(state.value)] =
          ModuleTree::read(*code_, self, state.fqn);
    }
    for (const ir::Node& node : graph_->nodes) {
      add(node);
    }
    add_outputs(returned);
    code_->lint();
    return code_;
  }

 private:
  const ir::Value& value_of(ir::ValueId id) const {
    return graph_->values[static_cast<size_t>(id)];
  }

  [[noreturn]] static void refuse(
      const ir::Node& node, const std::string& why) {
    throw input_error(
        "node '" + node.name + "' (" + node.target +
        ") can't be written as TorchScript: " + why);
  }

  bool reads_bool(const ir::Node& node) const {
    return node.target == "aten.item.default" &&
           value_of(node.outputs.at(0).ids.at(0)).type.kind ==
               ir::TypeKind::Bool;
  }

  void add(const ir::Node& node) {
    if (!node.grad_enabled || node.autocast) {
      refuse(node, "it is in a no-grad or autocast region");
    }
    if (const auto name = number_operator(node.target); !name.empty()) {
      add_number(node, name);
    } else if (node.target == "prim::If" || node.target == "prim::Loop") {
      add_control_flow(node);
    } else if (reads_bool(node)) {
      add_number(node, "aten::Bool");
    } else if (node.target == "aten.sym_size.int") {
      add_number(node, "aten::size");
    } else {
      add_operator(node);
    }
  }

  // Blocks read what is around them by name: operands of theirs that are not
  // carried from turn to turn are no arguments of the code's node.
  void add_control_flow(const ir::Node& node) {
    const bool loop = node.target == "prim::Loop";
    std::vector<const ir::Graph*> blocks;
    std::vector<Value*> conditions;
    std::vector<Value*> operands;
    for (const ir::NamedArg& input : node.inputs) {
      if (const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        blocks.push_back(sub->graph.get());
        continue;
      }
      auto& list = conditions.size() < (loop ? 2 : 1) ? conditions : operands;
      list.push_back(to_value(input.arg, nullptr));
    }
    const size_t carried = loop ? node.outputs.size() : 0;
    std::vector<Value*> inputs = conditions;
    inputs.insert(
        inputs.end(),
        operands.begin(),
        operands.begin() + static_cast<ptrdiff_t>(carried));
    torch::jit::Node* made = insert(
        c10::Symbol::fromQualString(node.target), inputs, node.outputs.size());
    for (const ir::Graph* block : blocks) {
      add_block(*made->addBlock(), *block, operands, loop, carried);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ir::ValueId id = node.outputs[i].ids.at(0);
      made->outputs()[i]->setType(type_of(value_of(id).type));
      values_[static_cast<size_t>(id)] = made->outputs()[i];
    }
  }

  void add_block(
      torch::jit::Block& block,
      const ir::Graph& graph,
      const std::vector<Value*>& operands,
      bool loop,
      size_t carried) {
    std::vector<Value*> around(graph.values.size(), nullptr);
    size_t position = 0;
    for (const ir::Input& input : graph.inputs) {
      Value*& value = around[static_cast<size_t>(input.value)];
      const size_t operand = position - (loop ? 1 : 0);
      if (loop && position <= carried) {
        value = block.addInput();
        value->setType(
            type_of(graph.values[static_cast<size_t>(input.value)].type));
      } else {
        value = operands.at(operand);
      }
      ++position;
    }
    const torch::jit::WithInsertPoint inside(&block);
    const ir::Graph* outer = std::exchange(graph_, &graph);
    values_.swap(around);
    for (const ir::Node& node : graph.nodes) {
      add(node);
    }
    for (const ir::Output& output : graph.outputs) {
      block.registerOutput(to_value(output.value, nullptr));
    }
    values_.swap(around);
    graph_ = outer;
  }

  void add_number(const ir::Node& node, std::string_view name) {
    std::vector<Value*> inputs;
    for (const ir::NamedArg& input : node.inputs) {
      inputs.push_back(to_value(input.arg, nullptr));
    }
    torch::jit::Node* made =
        insert(c10::Symbol::fromQualString(std::string(name)), inputs, 1);
    const ir::ValueId id = node.outputs.at(0).ids.at(0);
    made->output()->setType(type_of(value_of(id).type));
    if (made->maybeOperator() == nullptr) {
      refuse(node, "no operator on numbers fits it");
    }
    values_[static_cast<size_t>(id)] = made->output();
  }

  torch::jit::Node* insert(
      c10::Symbol kind, const std::vector<Value*>& inputs, size_t outputs) {
    return code_->insertNode(code_->create(kind, inputs, outputs));
  }

  static c10::OperatorHandle find_operator(const ir::Node& node) {
    const size_t first = node.target.find('.');
    const size_t last = node.target.rfind('.');
    if (first == std::string::npos || first == last) {
      refuse(node, "it is no operator of LibTorch");
    }
    const std::string overload = node.target.substr(last + 1);
    const auto op = c10::Dispatcher::singleton().findSchema(
        {node.target.substr(0, first) +
             "::" + node.target.substr(first + 1, last - first - 1),
         overload == "default" ? "" : overload});
    if (!op) {
      refuse(node, "it is no operator of LibTorch");
    }
    return *op;
  }

  static const ir::Arg* try_given(
      const ir::Node& node, const std::string& name, size_t position) {
    const auto named =
        std::ranges::find(node.inputs, name, &ir::NamedArg::name);
    if (named != node.inputs.end()) {
      return &named->arg;
    }
    const bool positional =
        position < node.inputs.size() && node.inputs[position].name.empty();
    return positional ? &node.inputs[position].arg : nullptr;
  }

  void add_operator(const ir::Node& node) {
    const c10::OperatorHandle op = find_operator(node);
    const c10::FunctionSchema& schema = op.schema();
    std::vector<Value*> inputs;
    for (size_t i = 0; i < schema.arguments().size(); ++i) {
      const c10::Argument& argument = schema.arguments()[i];
      const ir::Arg* given = try_given(node, argument.name(), i);
      if (given != nullptr) {
        inputs.push_back(to_value(*given, argument.type()));
      } else if (argument.default_value()) {
        inputs.push_back(code_->insertConstant(*argument.default_value()));
      } else if (argument.type()->kind() == c10::TypeKind::OptionalType) {
        inputs.push_back(code_->insertConstant(c10::IValue()));
      } else {
        refuse(node, "its argument '" + argument.name() + "' is missing");
      }
    }
    torch::jit::Node* made = insert(
        c10::Symbol::fromQualString(schema.name()),
        inputs,
        schema.returns().size());
    for (size_t i = 0; i < schema.returns().size(); ++i) {
      made->outputs()[i]->setType(in_code(schema.returns()[i].type()));
    }
    const auto* found = made->maybeSchema();
    if (found == nullptr || found->overload_name() != schema.overload_name()) {
      refuse(node, "TorchScript takes it for another operator");
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      keep(node.outputs[i], made->outputs()[i]);
    }
  }

  void keep(const ir::NodeOutput& output, Value* value) {
    if (!output.is_list) {
      if (output.ids.at(0) != ir::kNoValue) {
        values_[static_cast<size_t>(output.ids[0])] = value;
      }
      return;
    }
    torch::jit::Node* unpacked =
        code_->insertNode(code_->createListUnpack(value, output.ids.size()));
    for (size_t i = 0; i < output.ids.size(); ++i) {
      if (output.ids[i] != ir::kNoValue) {
        values_[static_cast<size_t>(output.ids[i])] = unpacked->outputs()[i];
      }
    }
  }

  Value* list_value(const ir::List& list, const c10::TypePtr& wanted) {
    const c10::TypePtr element =
        wanted && wanted->kind() == c10::TypeKind::ListType
            ? in_code(wanted->castRaw<c10::ListType>()->getElementType())
            : element_type(list.kind);
    std::vector<Value*> items;
    for (const ir::Arg& item : list.items) {
      items.push_back(to_value(item, element));
    }
    return code_->insertNode(code_->createList(element, items))->output();
  }

  Value* to_value(const ir::Arg& arg, const c10::TypePtr& type) {
    const c10::TypePtr wanted = without_optional(type);
    if (const auto* ref = std::get_if<ir::Ref>(&arg.value)) {
      return values_[static_cast<size_t>(ref->id)];
    }
    if (const auto* list = std::get_if<ir::List>(&arg.value)) {
      return list_value(*list, wanted);
    }
    return code_->insertConstant(constant(arg, wanted));
  }

  static c10::IValue constant(const ir::Arg& arg, const c10::TypePtr& wanted) {
    const bool real = wanted && wanted->kind() == c10::TypeKind::FloatType;
    return std::visit(
        [&](const auto& value) -> c10::IValue {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, ir::None>) {
            return {};
          } else if constexpr (std::is_same_v<T, int64_t>) {
            return real ? c10::IValue(static_cast<double>(value))
                        : c10::IValue(value);
          } else if constexpr (
              std::is_same_v<T, bool> || std::is_same_v<T, double> ||
              std::is_same_v<T, std::string>) {
            return c10::IValue(value);
          } else if constexpr (std::is_same_v<T, ir::Complex>) {
            return c10::complex<double>(value.real, value.imag);
          } else if constexpr (
              std::is_same_v<T, ir::ScalarType> ||
              std::is_same_v<T, ir::MemoryFormat> ||
              std::is_same_v<T, ir::Layout>) {
            return static_cast<int64_t>(value);
          } else if constexpr (std::is_same_v<T, ir::Device>) {
            return c10::Device(
                value.type +
                (value.index < 0 ? "" : ":" + std::to_string(value.index)));
          } else {
            throw input_error(
                "an argument that owns a graph can't be written as "
                "TorchScript");
          }
        },
        arg.value);
  }

  // --- what forward returns ---

  void add_outputs(const Returned* returned) {
    std::vector<Value*> leaves;
    for (const ir::Output& output : graph_->outputs) {
      leaves.push_back(to_value(output.value, nullptr));
    }
    if (returned == nullptr) {
      code_->registerOutput(
          code_->insertNode(code_->createTuple(leaves))->output());
      return;
    }
    size_t next = 0;
    Value* whole = assemble(*returned, leaves, next);
    check(next == leaves.size(), "a leaf for each output");
    code_->registerOutput(whole);
  }

  Value* assemble(
      const Returned& returned,
      const std::vector<Value*>& leaves,
      size_t& next) {
    if (returned.kind == Returned::Kind::Leaf) {
      check(next < leaves.size(), "an output for each leaf");
      return leaves[next++];
    }
    std::vector<Value*> items;
    for (const Returned& child : returned.children) {
      items.push_back(assemble(child, leaves, next));
    }
    const c10::TypePtr element = items.empty()
                                     ? c10::TypePtr(c10::TensorType::get())
                                     : items.front()->type();
    if (returned.kind == Returned::Kind::List) {
      return code_->insertNode(code_->createList(element, items))->output();
    }
    if (returned.kind == Returned::Kind::Dict) {
      std::vector<Value*> keys;
      for (const std::string& key : returned.keys) {
        keys.push_back(code_->insertConstant(key));
      }
      return code_
          ->insertNode(
              code_->createDict(c10::StringType::get(), element, keys, items))
          ->output();
    }
    return code_
        ->insertNode(code_->createTuple(items, tuple_type(returned, items)))
        ->output();
  }

  c10::TupleTypePtr tuple_type(
      const Returned& returned, const std::vector<Value*>& items) {
    if (returned.type_name.empty()) {
      return nullptr;
    }
    std::vector<c10::TypePtr> types;
    for (const Value* item : items) {
      types.push_back(item->type());
    }
    const c10::QualifiedName name(returned.type_name);
    auto type = c10::TupleType::createNamed(name, returned.keys, types);
    if (modules_.unit()->get_type(name) == nullptr) {
      modules_.unit()->register_type(type);
    }
    return type;
  }

  const ir::Graph* graph_;  // or the block that is being written
  ModuleTree& modules_;
  std::shared_ptr<torch::jit::Graph> code_;
  std::vector<Value*> values_;
};

}  // namespace

std::shared_ptr<torch::jit::Graph> to_code(
    const ir::Graph& graph, ModuleTree& modules, const Returned* returned) {
  return Coder(graph, modules).run(returned);
}

}  // namespace pp::ts
