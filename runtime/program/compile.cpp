#include <algorithm>
#include <map>

#include <ATen/ScalarOps.h>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "runtime/program/body.h"
#include "runtime/program/functional.h"
#include "runtime/program/index_fault.h"
#include "runtime/program/operator_kind.h"
#include "runtime/program/segments.h"
#include "runtime/program/written_memory.h"

namespace pp {

namespace {

using c10::IValue;
using c10::TypeKind;

class Compiler {
 public:
  Compiler(const ir::Graph& graph, const ProgramOptions& options)
      : graph_(graph),
        recompute_(options.recompute),
        body_(std::make_unique<Program::Body>()) {
    body_->where = options.where;
    body_->device = options.device;
    body_->num_values = graph.values.size();
    body_->wanted = options.wanted_outputs;
    if (body_->wanted.empty()) {
      body_->wanted.assign(graph.outputs.size(), 1);
    }
    check(
        body_->wanted.size() == graph.outputs.size(),
        "one flag for each output of the graph");
  }

  std::unique_ptr<Program::Body> compile() {
    for (const ir::Input& input : graph_.inputs) {
      body_->inputs.push_back(input.value);
    }
    body_->state_of.assign(graph_.values.size(), -1);
    for (const ir::State& state : graph_.states) {
      body_->state_of[state.value] = static_cast<int32_t>(body_->states.size());
      body_->states.push_back(state.value);
    }
    mark_live_nodes();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (live_[i]) {
        body_->instructions.push_back(compile_node(graph_.nodes[i]));
        body_->instructions.back().node = static_cast<int32_t>(i);
        number_rule_inputs(body_->instructions.back());
      }
    }
    count_readers();
    compile_outputs();
    mark_last_uses();
    const WrittenMemory memory(graph_, live_);
    for (const ir::ValueId input : body_->inputs) {
      body_->written_inputs.push_back(memory.is_written(input) ? 1 : 0);
    }
    for (const ir::ValueId state : body_->states) {
      body_->written_states.push_back(memory.is_written(state) ? 1 : 0);
    }
    body_->segments = segments_of(graph_, *body_, memory, recompute_);
    return std::move(body_);
  }

 private:
  [[noreturn]] void refuse(const ir::Node& node, const std::string& why) {
    const std::string& module = ir::module_of(node);
    throw input_error(
        (body_->where.empty() ? "" : body_->where + ": ") + "node '" +
        name_of(node) + "'" + (module.empty() ? "" : " in " + module) +
        " calls '" + node.target + "': " + why);
  }

  std::string name_of(const ir::Node& node) const {
    const std::vector<ir::ValueId> defined = ir::defines_of(node);
    return defined.empty() ? node.name : graph_.values[defined.front()].name;
  }

  /// A node lives if it writes something, asserts, or feeds what lives. A
  /// wanted output, a mutation and whatever a live node reads live.
  void mark_live_nodes() {
    std::vector<uint8_t> needed(graph_.values.size(), 0);
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      if (body_->wanted[i]) {
        ir::for_each_ref(
            graph_.outputs[i].value, [&](ir::ValueId id) { needed[id] = 1; });
      }
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      needed[mutation.value] = 1;
    }
    live_.assign(graph_.nodes.size(), 0);
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const ir::Node& node = graph_.nodes[i];
      if (is_assertion(node.target)) {
        continue;
      }
      const std::vector<ir::ValueId> defined = ir::defines_of(node);
      live_[i] = !node.effects.writes.empty() || defined.empty() ||
                 std::ranges::any_of(
                     defined, [&](ir::ValueId id) { return needed[id]; });
      if (live_[i]) {
        for (const ir::ValueId id : ir::reads_of(node)) {
          needed[id] = 1;
        }
      }
    }
  }

  int32_t add_constant(IValue value) {
    body_->constants.push_back(std::move(value));
    return static_cast<int32_t>(body_->constants.size()) - 1;
  }

  Instruction compile_node(const ir::Node& node) {
    Instruction out;
    out.target = node.target;
    out.name = name_of(node);
    out.module = ir::module_of(node);
    out.grad_enabled = node.grad_enabled;
    out.outputs = node.outputs;
    if (node.autocast) {
      ir::Autocast autocast = *node.autocast;
      // As the devices of arguments.
      autocast.device_type = c10::DeviceTypeName(body_->device.type(), true);
      out.autocast = autocast_index(autocast);
    }
    if (const auto kind = control_flow_kind(node.target)) {
      out.kind = *kind;
      compile_control_flow(node, out);
    } else if ((out.builtin = function_of(node.target)) != nullptr) {
      out.kind = InstructionKind::Builtin;
      for (const ir::NamedArg& input : node.inputs) {
        out.operands.push_back(operand(node, input.arg, nullptr));
      }
    } else {
      compile_operator(node, out);
    }
    return out;
  }

  int16_t autocast_index(const ir::Autocast& autocast) {
    const auto found = std::ranges::find(body_->autocasts, autocast);
    if (found != body_->autocasts.end()) {
      return static_cast<int16_t>(found - body_->autocasts.begin());
    }
    body_->autocasts.push_back(autocast);
    return static_cast<int16_t>(body_->autocasts.size() - 1);
  }

  void compile_control_flow(const ir::Node& node, Instruction& out) {
    for (const ir::NamedArg& input : node.inputs) {
      if (const auto* block = std::get_if<ir::SubGraph>(&input.arg.value)) {
        out.blocks.push_back(
            pp::compile(*block->graph, {{}, body_->where, {}, body_->device}));
      } else if (const auto* list = std::get_if<ir::List>(&input.arg.value)) {
        for (const ir::Arg& item : list->items) {
          out.operands.push_back(operand(node, item, nullptr));
        }
      } else {
        out.operands.push_back(operand(node, input.arg, nullptr));
      }
    }
    const size_t wanted = out.kind == InstructionKind::ScriptLoop ? 1 : 2;
    if (out.blocks.size() != wanted) {
      refuse(
          node,
          "it owns " + std::to_string(out.blocks.size()) + " sub-graphs, not " +
              std::to_string(wanted));
    }
  }

  void compile_operator(const ir::Node& node, Instruction& out) {
    out.op =
        c10::Dispatcher::singleton().findSchema(operator_name(node.target));
    if (!out.op) {
      refuse(node, "it is not registered in this LibTorch");
    }
    // Inputs without a name are in the order of the operator that is named.
    const c10::OperatorHandle named = *out.op;
    const std::vector<c10::Argument>& places = named.schema().arguments();
    if (node.effects.random) {
      out.kind = random_kind(node.target);
      if (out.kind == InstructionKind::Operator) {
        out.op = with_generator(*out.op);
      }
    }
    const std::vector<c10::Argument>& arguments = out.op->schema().arguments();
    size_t position = 0;
    std::vector<const ir::Arg*> given(arguments.size(), nullptr);
    for (const ir::NamedArg& input : node.inputs) {
      if (input.name.empty() && position == places.size()) {
        refuse(node, "its schema has fewer arguments");
      }
      const std::string& name =
          input.name.empty() ? places[position++].name() : input.name;
      const auto found =
          std::ranges::find(arguments, name, &c10::Argument::name);
      const auto index = static_cast<size_t>(found - arguments.begin());
      if (index == arguments.size()) {
        refuse(node, "its schema has no argument '" + name + "'");
      }
      given[index] = &input.arg;
    }
    for (size_t i = 0; i < arguments.size(); ++i) {
      const c10::Argument& argument = arguments[i];
      if (given[i] != nullptr) {
        out.operands.push_back(operand(node, *given[i], argument.type()));
      } else if (argument.default_value()) {
        out.operands.push_back(
            {.index = add_constant(*argument.default_value())});
      } else if (argument.type()->kind() == TypeKind::OptionalType) {
        out.operands.push_back({.index = add_constant(IValue())});
      } else {
        refuse(node, "its argument '" + argument.name() + "' is missing");
      }
      if (is_generator(argument)) {
        out.generator_argument = static_cast<int32_t>(i);
      }
    }
    if (const int index = index_argument(node.target);
        index >= 0 && static_cast<size_t>(index) < given.size() &&
        given[index] != nullptr) {
      if (const auto* ref = std::get_if<ir::Ref>(&given[index]->value)) {
        out.index = source_name(graph_, ref->id);
      }
    }
    out.draws = node.effects.random && !drops_nothing(out);
    if (out.kind == InstructionKind::Attention && !out.draws) {
      out.kind = InstructionKind::Operator;
    } else if (node.effects.random && out.kind == InstructionKind::Operator) {
      if (out.generator_argument >= 0) {
        out.kind = InstructionKind::Generator;
      } else if (out.draws) {
        out.kind = InstructionKind::DefaultGenerator;
      }
    }
    attach_rule(node, out);
  }

  /// Dropout, alone or inside of attention or an LSTM, that does nothing.
  bool drops_nothing(const Instruction& instruction) const {
    const std::vector<c10::Argument>& arguments =
        instruction.op->schema().arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Operand& operand = instruction.operands[i];
      if (operand.from != Operand::From::Constant) {
        continue;
      }
      const IValue& value = body_->constants[operand.index];
      const std::string& name = arguments[i].name();
      const bool is_rate =
          name == "p" || name == "dropout" || name == "dropout_p";
      if ((is_rate && value.isDouble() && value.toDouble() == 0) ||
          (name == "train" && value.isBool() && !value.toBool())) {
        return true;
      }
    }
    return false;
  }

  static void attach_rule(const ir::Node& node, Instruction& out) {
    // Casts on the way, or memory that autograd has to follow; the statistics
    // of a batch norm are none.
    const bool writes = !node.effects.writes.empty() &&
                        !node.target.starts_with("aten.batch_norm.");
    if (out.autocast >= 0 || writes) {
      return;
    }
    switch (out.kind) {
      case InstructionKind::Operator:
      case InstructionKind::Dropout:
      case InstructionKind::FeatureDropout:
        out.rule = rule_of(node.target, *out.op);
        break;
      default:
        break;
    }
  }

  /// Where a rule finds its inputs: they were Slots when they were compiled.
  void number_rule_inputs(Instruction& instruction) const {
    const auto add = [&](const Operand& operand) {
      const bool is_value = operand.from == Operand::From::Slot ||
                            operand.from == Operand::From::LastUse;
      instruction.rule_inputs.push_back(
          is_value ? operand.index : ir::kNoValue);
    };
    for (const Operand& operand : instruction.operands) {
      if (operand.from == Operand::From::List) {
        std::ranges::for_each(body_->lists[operand.index].items, add);
      } else {
        add(operand);
      }
    }
  }

  /// `type` is what the schema wants, or null where there is no schema.
  Operand operand(
      const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& type) {
    const c10::TypePtr wanted = type ? unwrap_optional(type) : nullptr;
    if (const auto* ref = std::get_if<ir::Ref>(&arg.value)) {
      const bool wrap =
          wanted && wanted->kind() == TypeKind::TensorType &&
          graph_.values[ref->id].type.kind != ir::TypeKind::Tensor;
      return {
          .from = Operand::From::Slot, .wrap_number = wrap, .index = ref->id};
    }
    if (const auto* list = std::get_if<ir::List>(&arg.value)) {
      return list_operand(node, *list, wanted);
    }
    return {.index = add_constant(constant(node, arg, wanted))};
  }

  IValue constant(
      const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& wanted) {
    const auto number = [&](const c10::Scalar& scalar, IValue plain) {
      if (wanted && wanted->kind() == TypeKind::TensorType) {
        return IValue(at::native::wrapped_scalar_tensor(scalar));
      }
      if (wanted && wanted->kind() == TypeKind::FloatType) {
        return IValue(scalar.toDouble());
      }
      return plain;
    };
    return std::visit(
        [&](const auto& value) -> IValue {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, ir::None>) {
            return {};
          } else if constexpr (
              std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
              std::is_same_v<T, double>) {
            return number(value, IValue(value));
          } else if constexpr (std::is_same_v<T, std::string>) {
            return IValue(value);
          } else if constexpr (std::is_same_v<T, ir::Complex>) {
            const c10::complex<double> both(value.real, value.imag);
            return number(both, IValue(both));
          } else if constexpr (
              std::is_same_v<T, ir::ScalarType> ||
              std::is_same_v<T, ir::MemoryFormat> ||
              std::is_same_v<T, ir::Layout>) {
            return IValue(static_cast<int64_t>(value));
          } else if constexpr (std::is_same_v<T, ir::Device>) {
            // The rank's, whatever device the model was exported on.
            return IValue(body_->device);
          } else {
            refuse(node, "an argument of this kind is not known");
          }
        },
        arg.value);
  }

  c10::TypePtr element_type(
      const ir::List& list, const c10::TypePtr& wanted) const {
    if (wanted && wanted->kind() == TypeKind::ListType) {
      return wanted->castRaw<c10::ListType>()->getElementType();
    }
    switch (list.kind) {
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
      case ir::ListKind::Ints:
      case ir::ListKind::Lists:
        return c10::IntType::get();
    }
    return c10::IntType::get();
  }

  Operand list_operand(
      const ir::Node& node, const ir::List& list, const c10::TypePtr& wanted) {
    ListOperand out;
    out.element = element_type(list, wanted);
    if (out.element->kind() == TypeKind::SymIntType) {
      out.element = c10::IntType::get();
    }
    bool constant_items = true;
    for (const ir::Arg& item : list.items) {
      out.items.push_back(operand(node, item, out.element));
      constant_items =
          constant_items && out.items.back().from == Operand::From::Constant;
    }
    if (constant_items) {
      c10::impl::GenericList items(out.element);
      for (const Operand& item : out.items) {
        items.push_back(body_->constants[item.index]);
      }
      return {.index = add_constant(std::move(items))};
    }
    body_->lists.push_back(std::move(out));
    return {
        .from = Operand::From::List,
        .index = static_cast<int32_t>(body_->lists.size()) - 1};
  }

  void count_readers() {
    std::vector<int> readers(graph_.values.size(), 0);
    for (const Instruction& instruction : body_->instructions) {
      for (const ir::ValueId id :
           ir::reads_of(graph_.nodes[instruction.node])) {
        ++readers[id];
      }
    }
    for (const int count : readers) {
      body_->has_one_reader.push_back(count == 1 ? 1 : 0);
    }
  }

  void compile_outputs() {
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      ir::Arg arg = graph_.outputs[i].value;
      if (!body_->wanted[i]) {
        arg.value = ir::None{};
      }
      body_->outputs.push_back(operand(ir::Node{}, arg, nullptr));
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      body_->mutated.push_back(mutation.value);
    }
  }

  /// Walks backwards: the last reader of a value takes it out of its slot,
  /// unless it reads it twice; then the value dies after the instruction.
  void mark_last_uses() {
    std::vector<uint8_t> used(graph_.values.size(), 0);
    for (const Operand& output : body_->outputs) {
      each_slot(output, [&](const Operand& slot) { used[slot.index] = 1; });
    }
    for (const ir::ValueId id : body_->mutated) {
      used[id] = 1;
    }
    for (size_t i = body_->instructions.size(); i-- > 0;) {
      Instruction& instruction = body_->instructions[i];
      std::map<int32_t, std::vector<Operand*>> readers;
      for (Operand& operand : instruction.operands) {
        each_slot(operand, [&](Operand& slot) {
          readers[slot.index].push_back(&slot);
        });
      }
      for (auto& [id, slots] : readers) {
        if (used[id]) {
          continue;
        }
        used[id] = 1;
        // Arguments are pushed in order: the last one may take it.
        slots.back()->from = Operand::From::LastUse;
      }
      for (const ir::NodeOutput& output : instruction.outputs) {
        for (const ir::ValueId id : output.ids) {
          if (id != ir::kNoValue && !used[id]) {
            instruction.dead.push_back(id);
          }
        }
      }
    }
  }

  template <typename Visit>
  void each_slot(Operand& operand, const Visit& visit) {
    if (operand.from == Operand::From::Slot) {
      visit(operand);
    } else if (operand.from == Operand::From::List) {
      for (Operand& item : body_->lists[operand.index].items) {
        each_slot(item, visit);
      }
    }
  }
  template <typename Visit>
  void each_slot(const Operand& operand, const Visit& visit) {
    each_slot(const_cast<Operand&>(operand), [&](Operand& slot) {
      visit(static_cast<const Operand&>(slot));
    });
  }

  const ir::Graph& graph_;
  const std::vector<std::string>& recompute_;
  std::unique_ptr<Program::Body> body_;
  std::vector<uint8_t> live_;
};

}  // namespace

std::unique_ptr<Program::Body> compile(
    const ir::Graph& graph, const ProgramOptions& options) {
  if (const std::optional<ir::Graph> functional = without_writes(graph)) {
    return Compiler(*functional, options).compile();
  }
  return Compiler(graph, options).compile();
}

}  // namespace pp
