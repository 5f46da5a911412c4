#include "loader/ir/lint.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/ir/walk.h"

namespace pp::ir {

namespace {

// Checks one graph. Each sub-graph gets its own Linter.
class Linter {
 public:
  Linter(const Graph& graph, std::string where)
      : graph_(graph),
        where_(std::move(where)),
        defined_(graph.values.size(), false) {}

  void run() {
    check_values();
    for (const Input& input : graph_.inputs) {
      define(input.value, "input '" + input.name + "'");
    }
    for (const State& state : graph_.states) {
      define(state.value, "state '" + state.fqn + "'");
    }
    check_interface_names();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      check_node(graph_.nodes[i], i);
    }
    check_ends();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw input_error(where_ + ": " + what);
  }

  bool in_range(ValueId id) const {
    return id >= 0 && id < static_cast<ValueId>(graph_.values.size());
  }

  std::string name(ValueId id) const {
    return "'%" + graph_.values[static_cast<size_t>(id)].name + "'";
  }

  void check_values() const {
    std::set<std::string_view> names;
    for (const Value& value : graph_.values) {
      if (value.name.empty()) {
        fail("a value has no name");
      }
      if (!names.insert(value.name).second) {
        fail("two values are called '%" + value.name + "'");
      }
      if (value.type.kind != TypeKind::Tensor) {
        continue;
      }
      if (!value.tensor) {
        fail("tensor '%" + value.name + "' has no sizes");
      }
      const auto rank = value.tensor->sizes.size();
      // Sparse layouts have no strides.
      if (value.tensor->layout == Layout::Strided &&
          value.tensor->strides.size() != rank) {
        fail(
            "tensor '%" + value.name + "' has " + std::to_string(rank) +
            " sizes but " + std::to_string(value.tensor->strides.size()) +
            " strides");
      }
    }
  }

  void unique(
      std::set<std::string_view>& seen,
      const std::string& name,
      const char* what) const {
    if (name.empty()) {
      fail(std::string("one ") + what + " has no name");
    }
    if (!seen.insert(name).second) {
      fail(std::string("two ") + what + "s are called '" + name + "'");
    }
  }

  void check_interface_names() const {
    std::set<std::string_view> inputs;
    for (const Input& input : graph_.inputs) {
      unique(inputs, input.name, "input");
    }
    std::set<std::string_view> outputs;
    for (const Output& output : graph_.outputs) {
      unique(outputs, output.name, "output");
    }
    std::set<std::string_view> states;
    for (const State& state : graph_.states) {
      unique(states, state.fqn, "state");
      for (const std::string& alias : state.aliases) {
        unique(states, alias, "state");
      }
    }
  }

  void define(ValueId id, const std::string& by) {
    if (!in_range(id)) {
      fail(
          by + " defines value " + std::to_string(id) +
          ", but the graph has only " + std::to_string(graph_.values.size()) +
          " values");
    }
    if (defined_[static_cast<size_t>(id)]) {
      fail(by + " defines " + name(id) + " a second time");
    }
    defined_[static_cast<size_t>(id)] = true;
  }

  void read(ValueId id, const std::string& by) const {
    if (!in_range(id)) {
      fail(
          by + " reads value " + std::to_string(id) +
          ", but the graph has only " + std::to_string(graph_.values.size()) +
          " values");
    }
    if (!defined_[static_cast<size_t>(id)]) {
      fail(by + " reads " + name(id) + " before it is defined");
    }
  }

  std::string label(const Node& node, size_t index) const {
    std::string name = node.name;
    if (const auto ids = defines_of(node);
        name.empty() && !ids.empty() && in_range(ids.front())) {
      name = graph_.values[static_cast<size_t>(ids.front())].name;
    }
    return name.empty()
               ? "node " + std::to_string(index) + " (" + node.target + ")"
               : "node '" + name + "' (" + node.target + ")";
  }

  void check_node(const Node& node, size_t index) {
    const std::string by = label(node, index);
    if (node.target.empty()) {
      fail(by + " has an empty target, but must name an operator");
    }
    const auto reads = reads_of(node);
    for (const ValueId id : reads) {
      read(id, by);
    }
    for (const NodeOutput& output : node.outputs) {
      if (!output.is_list && output.ids.size() != 1) {
        fail(
            by + " has an output with " + std::to_string(output.ids.size()) +
            " values; an output that is not a list must have one");
      }
      for (const ValueId id : output.ids) {
        if (id != kNoValue) {
          define(id, by);
        }
      }
    }
    check_effects(node, reads, by);
    for (const NamedArg& input : node.inputs) {
      check_sub_graphs(input.arg, by);
    }
  }

  void check_effects(
      const Node& node,
      const std::vector<ValueId>& reads,
      const std::string& by) const {
    const auto defines = defines_of(node);
    const auto is_used = [&](ValueId id) {
      return std::ranges::count(reads, id) + std::ranges::count(defines, id) >
             0;
    };
    for (const ValueId id : node.effects.writes) {
      if (!is_used(id)) {
        fail(
            by +
            " is marked as writing a value that it neither reads nor defines");
      }
    }
    for (const auto& [output, input] : node.effects.aliases) {
      if (!is_used(output) || !is_used(input)) {
        fail(
            by +
            " is marked as aliasing a value that it neither reads nor defines");
      }
    }
  }

  void check_sub_graphs(const Arg& arg, const std::string& by) const {
    if (const auto* list = std::get_if<List>(&arg.value)) {
      for (const Arg& item : list->items) {
        check_sub_graphs(item, by);
      }
    } else if (const auto* sub = std::get_if<SubGraph>(&arg.value)) {
      if (!sub->graph) {
        fail(by + " names sub-graph '" + sub->name + "' but does not hold it");
      }
      Linter(
          *sub->graph, where_ + ": " + by + ", sub-graph '" + sub->name + "'")
          .run();
    }
  }

  void check_ends() const {
    for (const Output& output : graph_.outputs) {
      for_each_ref(output.value, [&](ValueId id) {
        read(id, "output '" + output.name + "'");
      });
    }
    for (const Mutation& mutation : graph_.mutations) {
      const std::string by = "mutation of '" + mutation.fqn + "'";
      read(mutation.value, by);
      const int state = try_find_state(graph_, mutation.fqn);
      if (state < 0 ||
          graph_.states[static_cast<size_t>(state)].kind != StateKind::Buffer) {
        fail(
            "the graph mutates '" + mutation.fqn +
            "', which is not one of its buffers");
      }
    }
    const auto undefined = std::ranges::find(defined_, false);
    if (undefined != defined_.end()) {
      fail(
          "nothing defines " +
          name(static_cast<ValueId>(undefined - defined_.begin())));
    }
  }

  const Graph& graph_;
  std::string where_;
  std::vector<bool> defined_;  // by value id
};

}  // namespace

void lint(const Graph& graph, std::string_view where) {
  Linter(graph, std::string(where)).run();
}

}  // namespace pp::ir
