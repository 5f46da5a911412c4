#include <algorithm>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "runtime/program/body.h"
#include "runtime/program/functional.h"
#include "runtime/program/index_fault.h"
#include "runtime/program/liveness.h"
#include "runtime/program/node_text.h"
#include "runtime/program/operand_compiler.h"
#include "runtime/program/operator_kind.h"
#include "runtime/program/rules/norm_gradient.h"
#include "runtime/program/segments.h"
#include "runtime/program/written_memory.h"

namespace pp {

namespace {

using c10::TypeKind;

class Compiler {
 public:
  Compiler(const ir::Graph& graph, const ProgramOptions& options)
      : graph_(graph),
        recompute_(options.recompute),
        body_(std::make_unique<Program::Body>()),
        operands_(graph, *body_) {
    body_->where = options.where;
    body_->device = options.device;
    body_->num_values = graph.values.size();
    body_->wanted_outputs = options.wanted_outputs;
    if (body_->wanted_outputs.empty()) {
      body_->wanted_outputs.assign(graph.outputs.size(), 1);
    }
    check(
        body_->wanted_outputs.size() == graph.outputs.size(),
        "there must be one flag for each output of the graph");
  }

  std::unique_ptr<Program::Body> compile() {
    number_inputs_and_states();
    const std::vector<uint8_t> live = live_nodes(graph_, body_->wanted_outputs);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (live[i]) {
        body_->instructions.push_back(compile_node(graph_.nodes[i]));
        body_->instructions.back().node = static_cast<int32_t>(i);
        number_rule_inputs(body_->instructions.back());
      }
    }
    body_->has_one_reader = values_with_one_reader(graph_, *body_);
    compile_outputs();
    mark_last_uses(*body_);
    const WrittenMemory memory(graph_, live);
    for (const ir::ValueId input : body_->inputs) {
      body_->written_inputs.push_back(memory.is_written(input) ? 1 : 0);
    }
    for (const ir::ValueId state : body_->states) {
      body_->written_states.push_back(memory.is_written(state) ? 1 : 0);
    }
    body_->segments = divide_into_segments(graph_, *body_, memory, recompute_);
    return std::move(body_);
  }

 private:
  [[noreturn]] void refuse(const ir::Node& node, const std::string& why) const {
    refuse_node(graph_, body_->where, node, why);
  }

  void number_inputs_and_states() {
    for (const ir::Input& input : graph_.inputs) {
      body_->inputs.push_back(input.value);
    }
    body_->state_of.assign(graph_.values.size(), -1);
    for (const ir::State& state : graph_.states) {
      body_->state_of[state.value] = static_cast<int32_t>(body_->states.size());
      body_->states.push_back(state.value);
    }
  }

  Instruction compile_node(const ir::Node& node) {
    Instruction out;
    out.target = node.target;
    out.name = node_name(graph_, node);
    out.module = ir::module_of(node);
    out.grad_enabled = node.grad_enabled;
    out.outputs = node.outputs;
    if (node.autocast) {
      ir::Autocast autocast = *node.autocast;
      // Autocast works on the rank's device, like the node's arguments.
      autocast.device_type = c10::DeviceTypeName(body_->device.type(), true);
      out.autocast = autocast_index(autocast);
    }
    if (const auto kind = control_flow_kind(node.target)) {
      out.kind = *kind;
      compile_control_flow(node, out);
    } else if ((out.builtin = function_of(node.target)) != nullptr) {
      out.kind = InstructionKind::Builtin;
      for (const ir::NamedArg& input : node.inputs) {
        out.operands.push_back(operands_.compile(node, input.arg, nullptr));
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
          out.operands.push_back(operands_.compile(node, item, nullptr));
        }
      } else {
        out.operands.push_back(operands_.compile(node, input.arg, nullptr));
      }
    }
    const size_t num_blocks = out.kind == InstructionKind::ScriptLoop ? 1 : 2;
    if (out.blocks.size() != num_blocks) {
      refuse(
          node,
          "it has " + std::to_string(out.blocks.size()) + " sub-graphs, not " +
              std::to_string(num_blocks));
    }
  }

  void compile_operator(const ir::Node& node, Instruction& out) {
    const auto named =
        c10::Dispatcher::singleton().findSchema(operator_name(node.target));
    if (!named) {
      refuse(node, "it is not registered in this LibTorch");
    }
    out.op = named;
    out.precondition = find_precondition(named->schema().name());
    if (node.effects.random) {
      out.kind = random_kind(node.target);
      if (out.kind == InstructionKind::Operator) {
        out.op = with_generator(*named);
      }
    }
    const std::vector<const ir::Arg*> given =
        arguments_by_position(node, *named, *out.op);
    compile_arguments(node, given, out);
    name_index(given, out);
    out.draws = node.effects.random && !drops_nothing(out);
    out.is_batch_norm = has_batch_norm_backward(node.target);
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

  /// Returns what the node gives for each argument of `called`; null where it
  /// gives nothing. Inputs without a name are in the order of `named`, the
  /// operator that the graph names; `called` may be its overload with a
  /// generator.
  std::vector<const ir::Arg*> arguments_by_position(
      const ir::Node& node,
      const c10::OperatorHandle& named,
      const c10::OperatorHandle& called) const {
    const std::vector<c10::Argument>& order = named.schema().arguments();
    const std::vector<c10::Argument>& arguments = called.schema().arguments();
    size_t position = 0;
    std::vector<const ir::Arg*> given(arguments.size(), nullptr);
    for (const ir::NamedArg& input : node.inputs) {
      if (input.name.empty() && position == order.size()) {
        refuse(node, "it passes more arguments than the operator's schema has");
      }
      const std::string& name =
          input.name.empty() ? order[position++].name() : input.name;
      const auto found =
          std::ranges::find(arguments, name, &c10::Argument::name);
      const auto index = static_cast<size_t>(found - arguments.begin());
      if (index == arguments.size()) {
        refuse(node, "its schema has no argument '" + name + "'");
      }
      given[index] = &input.arg;
    }
    return given;
  }

  /// Whether the argument asks for a sparse gradient. Programs use a dense one
  /// instead: it has the same values, and sums, clipping and optimizers then
  /// handle one form only.
  static bool asks_for_sparse_gradient(
      const ir::Node& node, const c10::Argument& argument) {
    return argument.name() == "sparse" &&
           node.target.starts_with("aten.embedding");
  }

  void compile_arguments(
      const ir::Node& node,
      const std::vector<const ir::Arg*>& given,
      Instruction& out) {
    const std::vector<c10::Argument>& arguments = out.op->schema().arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const c10::Argument& argument = arguments[i];
      if (asks_for_sparse_gradient(node, argument)) {
        out.operands.push_back(operands_.constant(false));
      } else if (given[i] != nullptr) {
        out.operands.push_back(
            operands_.compile(node, *given[i], argument.type()));
      } else if (argument.default_value()) {
        out.operands.push_back(operands_.constant(*argument.default_value()));
      } else if (argument.type()->kind() == TypeKind::OptionalType) {
        out.operands.push_back(operands_.constant({}));
      } else {
        refuse(node, "its argument '" + argument.name() + "' is missing");
      }
      if (is_generator(argument)) {
        out.generator_argument = static_cast<int32_t>(i);
      }
    }
  }

  /// Notes the source of the indices that an operator looks up.
  void name_index(
      const std::vector<const ir::Arg*>& given, Instruction& out) const {
    const int index = index_argument(out.target);
    if (index < 0 || static_cast<size_t>(index) >= given.size() ||
        given[index] == nullptr) {
      return;
    }
    if (const auto* ref = std::get_if<ir::Ref>(&given[index]->value)) {
      out.index_name = source_name(graph_, ref->id);
    }
  }

  /// Whether dropout, alone or inside attention or an LSTM, does nothing here.
  bool drops_nothing(const Instruction& instruction) const {
    const std::vector<c10::Argument>& arguments =
        instruction.op->schema().arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Operand& operand = instruction.operands[i];
      if (operand.from != Operand::From::Constant) {
        continue;
      }
      const c10::IValue& value = body_->constants[operand.index];
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
    // A rule handles neither autocast's casts nor writes that autograd has to
    // follow. Nothing reads the running statistics that a batch norm writes.
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

  /// Records which values are the inputs of the instruction's rule.
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

  void compile_outputs() {
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      ir::Arg arg = graph_.outputs[i].value;
      if (!body_->wanted_outputs[i]) {
        arg.value = ir::None{};
      }
      body_->outputs.push_back(operands_.compile(ir::Node{}, arg, nullptr));
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      body_->mutated.push_back(mutation.value);
    }
  }

  const ir::Graph& graph_;
  const std::vector<std::string>& recompute_;
  std::unique_ptr<Program::Body> body_;
  OperandCompiler operands_;
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
