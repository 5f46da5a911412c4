#include "loader/ir/walk.h"

#include <algorithm>
#include <type_traits>

namespace pp::ir {

namespace {

// Serves both the const and the mutable walk.
template <typename ArgType, typename Visit>
void walk_refs(ArgType& arg, const Visit& visit) {
  if (auto* ref = std::get_if<Ref>(&arg.value)) {
    visit(ref->id);
  } else if (auto* list = std::get_if<List>(&arg.value)) {
    for (auto& item : list->items) {
      walk_refs(item, visit);
    }
  }
}

}  // namespace

ValueId add_value(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

ValueId try_find_value(const Graph& graph, std::string_view name) {
  const auto found = std::ranges::find(graph.values, name, &Value::name);
  return found == graph.values.end()
             ? kNoValue
             : static_cast<ValueId>(found - graph.values.begin());
}

void for_each_ref(const Arg& arg, const std::function<void(ValueId)>& visit) {
  walk_refs(arg, visit);
}

void for_each_ref(Arg& arg, const std::function<void(ValueId&)>& visit) {
  walk_refs(arg, visit);
}

std::vector<ValueId> reads_of(const Node& node) {
  std::vector<ValueId> out;
  for (const NamedArg& input : node.inputs) {
    walk_refs(input.arg, [&](ValueId id) { out.push_back(id); });
  }
  return out;
}

std::vector<ValueId> defines_of(const Node& node) {
  std::vector<ValueId> out;
  for (const NodeOutput& output : node.outputs) {
    std::ranges::copy_if(output.ids, std::back_inserter(out), [](ValueId id) {
      return id != kNoValue;
    });
  }
  return out;
}

const std::string& module_of(const Node& node) {
  static const std::string root;
  return node.modules.empty() ? root : node.modules.back().fqn;
}

bool is_under(std::string_view fqn, std::string_view prefix) {
  return prefix.empty() ||
         (fqn.starts_with(prefix) &&
          (fqn.size() == prefix.size() || fqn[prefix.size()] == '.'));
}

int try_find_state(const Graph& graph, std::string_view fqn) {
  const auto found =
      std::ranges::find_if(graph.states, [&](const State& state) {
        return state.fqn == fqn ||
               std::ranges::find(state.aliases, fqn) != state.aliases.end();
      });
  return found == graph.states.end()
             ? -1
             : static_cast<int>(found - graph.states.begin());
}

}  // namespace pp::ir
