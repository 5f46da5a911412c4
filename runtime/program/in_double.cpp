#include "runtime/program/in_double.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/ir/walk.h"
#include "runtime/program/node_text.h"
#include "runtime/program/operator_kind.h"

namespace pp {

namespace {

bool is_below_single(ir::ScalarType type) {
  const int64_t single = ir::is_complex(type) ? 8 : 4;  // bytes
  return ir::is_differentiable(type) && ir::element_size(type) < single;
}

/// The schema of a node's operator; null if it isn't one of the dispatcher's.
const c10::FunctionSchema* try_find_schema(const ir::Node& node) {
  if (control_flow_kind(node.target) || function_of(node.target) != nullptr) {
    return nullptr;
  }
  const auto found =
      c10::Dispatcher::singleton().findSchema(operator_name(node.target));
  return found ? &found->schema() : nullptr;
}

/// Whether an argument of the schema, by name or else by position, is an
/// element type.
bool is_type(
    const c10::FunctionSchema& schema,
    const std::string& name,
    size_t position) {
  const std::vector<c10::Argument>& arguments = schema.arguments();
  if (!name.empty()) {
    position = static_cast<size_t>(
        std::ranges::find(arguments, name, &c10::Argument::name) -
        arguments.begin());
  }
  if (position >= arguments.size()) {
    return false;
  }
  const c10::TypePtr& type = arguments[position].real_type();
  return type && unwrap_optional(type)->kind() == c10::TypeKind::ScalarTypeType;
}

/// Calls `visit` with each element type among a node's arguments, and replaces
/// the type by what it returns.
template <typename Visit>
void replace_types(ir::Node& node, const Visit& visit) {
  const c10::FunctionSchema* schema = try_find_schema(node);
  size_t position = 0;
  for (ir::NamedArg& input : node.inputs) {
    const size_t place = input.name.empty() ? position++ : position;
    if (auto* type = std::get_if<ir::ScalarType>(&input.arg.value)) {
      *type = visit(*type);
    } else if (auto* number = std::get_if<int64_t>(&input.arg.value);
               number != nullptr && schema != nullptr &&
               is_type(*schema, input.name, place)) {
      // TorchScript stores types as numbers.
      *number =
          static_cast<int64_t>(visit(static_cast<ir::ScalarType>(*number)));
    }
  }
}

class Widener {
 public:
  explicit Widener(ir::Graph& graph) : graph_(graph) {}

  void run() {
    std::vector<ir::Node> nodes;
    for (ir::Node& node : graph_.nodes) {
      follow_renamed(node);
      set_arguments(node);
      const std::vector<ir::ValueId> chosen = chosen_by_operator(node);
      nodes.push_back(std::move(node));
      for (const ir::ValueId id : chosen) {
        nodes.push_back(conversion_of(id));
      }
    }
    graph_.nodes = std::move(nodes);
    const auto follow = [&](ir::ValueId& id) { id = renamed(id); };
    for (ir::Output& output : graph_.outputs) {
      ir::for_each_ref(output.value, follow);
    }
    for (ir::Mutation& mutation : graph_.mutations) {
      follow(mutation.value);
    }
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      auto& tensor = graph_.values[id].tensor;
      if (tensor && tensor->known &&
          !converted_.contains(static_cast<ir::ValueId>(id))) {
        tensor->dtype = in_double(tensor->dtype);
      }
    }
  }

 private:
  ir::ValueId renamed(ir::ValueId id) const {
    const auto found = converted_.find(id);
    return found == converted_.end() ? id : found->second;
  }

  void follow_renamed(ir::Node& node) const {
    for (ir::NamedArg& input : node.inputs) {
      ir::for_each_ref(input.arg, [&](ir::ValueId& id) { id = renamed(id); });
    }
    for (ir::ValueId& id : node.effects.writes) {
      id = renamed(id);
    }
    for (auto& [output, input] : node.effects.aliases) {
      input = renamed(input);
    }
  }

  /// Widens the types that arguments name, and sub-graphs.
  static void set_arguments(ir::Node& node) {
    replace_types(node, [](ir::ScalarType type) { return in_double(type); });
    for (ir::NamedArg& input : node.inputs) {
      if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        auto block = std::make_shared<ir::Graph>(*sub->graph);
        set_double(*block);
        sub->graph = std::move(block);
      }
    }
  }

  /// The results of a node that are float although none of its inputs is: its
  /// type is the operator's own choice.
  std::vector<ir::ValueId> chosen_by_operator(const ir::Node& node) const {
    const auto is_single = [&](ir::ValueId id) {
      const auto& tensor = graph_.values[id].tensor;
      return graph_.values[id].type.kind == ir::TypeKind::Tensor && tensor &&
             tensor->known && tensor->dtype != in_double(tensor->dtype);
    };
    const auto is_differentiable = [&](ir::ValueId id) {
      const auto& tensor = graph_.values[id].tensor;
      return tensor && (!tensor->known || ir::is_differentiable(tensor->dtype));
    };
    std::vector<ir::ValueId> chosen;
    if (try_find_schema(node) != nullptr &&
        std::ranges::none_of(ir::reads_of(node), is_differentiable)) {
      std::ranges::copy_if(
          ir::defines_of(node), std::back_inserter(chosen), is_single);
    }
    return chosen;
  }

  /// Makes a node that converts a value to double. Later nodes will read its
  /// result instead of the value.
  ir::Node conversion_of(ir::ValueId id) {
    ir::Value value = graph_.values[id];
    value.name += "_in_double";
    while (ir::try_find_value(graph_, value.name) != ir::kNoValue) {
      value.name += "_";
    }
    ir::Node node;
    node.target = "aten._to_copy.default";
    node.name = value.name;
    node.inputs.push_back({"self", {ir::Ref{id}}});
    node.inputs.push_back(
        {"dtype", {in_double(value.tensor->dtype)}, /*keyword=*/true});
    const ir::ValueId to = ir::add_value(graph_, std::move(value));
    node.outputs.push_back({{to}});
    converted_[id] = to;
    return node;
  }

  ir::Graph& graph_;
  std::map<ir::ValueId, ir::ValueId> converted_;
};

}  // namespace

ir::ScalarType in_double(ir::ScalarType type) {
  switch (type) {
    case ir::ScalarType::Float:
      return ir::ScalarType::Double;
    case ir::ScalarType::ComplexFloat:
      return ir::ScalarType::ComplexDouble;
    default:
      return type;
  }
}

at::Tensor in_double(const at::Tensor& tensor) {
  const auto type = static_cast<ir::ScalarType>(tensor.scalar_type());
  if (in_double(type) == type) {
    return tensor;
  }
  return tensor.detach()
      .to(static_cast<at::ScalarType>(in_double(type)))
      .set_requires_grad(tensor.requires_grad());
}

std::string obstacle_to_double(const ir::Graph& graph) {
  for (const ir::Value& value : graph.values) {
    if (value.tensor && value.tensor->known &&
        is_below_single(value.tensor->dtype)) {
      return "'" + value.name + "' is " + ir::name_of(value.tensor->dtype);
    }
  }
  for (ir::Node node : graph.nodes) {
    const std::string name = "node '" + node_name(graph, node) + "' ";
    if (node.autocast && node.autocast->enabled) {
      return name + "runs under autocast";
    }
    std::string found;
    replace_types(node, [&](ir::ScalarType type) {
      found =
          is_below_single(type) ? name + "names " + ir::name_of(type) : found;
      return type;
    });
    for (const ir::NamedArg& input : node.inputs) {
      const auto* sub = std::get_if<ir::SubGraph>(&input.arg.value);
      if (found.empty() && sub != nullptr) {
        found = obstacle_to_double(*sub->graph);
      }
    }
    if (!found.empty()) {
      return found;
    }
  }
  return "";
}

void set_double(ir::Graph& graph) {
  Widener(graph).run();
}

}  // namespace pp
