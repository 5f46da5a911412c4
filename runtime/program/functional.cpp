#include "runtime/program/functional.h"

#include <algorithm>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>

#include "loader/ir/walk.h"
#include "runtime/program/operator_kind.h"

namespace pp {

namespace {

/// Returns "aten.relu.default" for "aten.relu_.default" if both accept the same
/// arguments. Returns "" if not, or if the new operator has no rule: replacing
/// would then gain nothing.
std::string functional_of(const std::string& target) {
  const size_t overload = target.rfind('.');
  if (!target.starts_with("aten.") || overload == 4 ||
      target[overload - 1] != '_') {
    return "";
  }
  const std::string plain =
      target.substr(0, overload - 1) + target.substr(overload);
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto with = dispatcher.findSchema(operator_name(target));
  const auto without = dispatcher.findSchema(operator_name(plain));
  if (!with || !without || rule_of(plain, *without) == nullptr ||
      !std::ranges::equal(
          with->schema().arguments(),
          without->schema().arguments(),
          {},
          &c10::Argument::name,
          &c10::Argument::name)) {
    return "";
  }
  return plain;
}

class Rewriter {
 public:
  explicit Rewriter(const ir::Graph& graph) : graph_(graph) {
    maker_.assign(graph.values.size(), -1);
    last_reader_.assign(graph.values.size(), -1);
    is_shared_.assign(graph.values.size(), 0);
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const ir::ValueId id : ir::defines_of(graph.nodes[i])) {
        maker_[id] = static_cast<int32_t>(i);
      }
      for (const ir::ValueId id : ir::reads_of(graph.nodes[i])) {
        last_reader_[id] = static_cast<int32_t>(i);
      }
    }
    const auto end = static_cast<int32_t>(graph.nodes.size());
    for (const ir::Output& output : graph.outputs) {
      ir::for_each_ref(
          output.value, [&](ir::ValueId id) { last_reader_[id] = end; });
    }
    for (const ir::Mutation& mutation : graph.mutations) {
      last_reader_[mutation.value] = end;
    }
  }

  /// Returns by position the new targets of the nodes to rewrite; the others
  /// are empty.
  std::vector<std::string> targets() {
    std::vector<std::string> out(graph_.nodes.size());
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const ir::Node& node = graph_.nodes[i];
      if (can_rewrite(node, static_cast<int32_t>(i))) {
        out[i] = functional_of(node.target);
      }
      if (!out[i].empty()) {
        continue;  // its result gets new memory
      }
      for (const auto& [output, input] : node.effects.aliases) {
        is_shared_[output] = 1;
        is_shared_[input] = 1;
      }
    }
    return out;
  }

 private:
  bool can_rewrite(const ir::Node& node, int32_t position) const {
    const std::vector<ir::ValueId> made = ir::defines_of(node);
    // Under autocast the graph doesn't say what the types are.
    if (node.effects.writes.size() != 1 || made.size() != 1 || node.autocast) {
      return false;
    }
    const ir::ValueId x = node.effects.writes.front();
    return maker_[x] >= 0 && is_shared_[x] == 0 &&
           last_reader_[x] == position && node.effects.aliases.size() == 1 &&
           keeps_type(node, x);
  }

  /// Whether the rewritten node's result has the type of x.
  bool keeps_type(const ir::Node& node, ir::ValueId x) const {
    const auto& meta = graph_.values[x].tensor;
    return meta && meta->known && ir::is_floating(meta->dtype) &&
           std::ranges::all_of(ir::reads_of(node), [&](ir::ValueId id) {
             const ir::Value& value = graph_.values[id];
             return value.type.kind != ir::TypeKind::Tensor ||
                    (value.tensor && value.tensor->known &&
                     (value.tensor->dtype == meta->dtype ||
                      !ir::is_differentiable(value.tensor->dtype)));
           });
  }

  const ir::Graph& graph_;
  std::vector<int32_t> maker_;        ///< by value: the node, or -1
  std::vector<int32_t> last_reader_;  ///< by value
  std::vector<uint8_t> is_shared_;    ///< by value: another shares its memory
};

}  // namespace

std::optional<ir::Graph> without_writes(const ir::Graph& graph) {
  const std::vector<std::string> targets = Rewriter(graph).targets();
  if (std::ranges::all_of(targets, &std::string::empty)) {
    return std::nullopt;
  }
  ir::Graph out = graph;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!targets[i].empty()) {
      ir::Node& node = out.nodes[i];
      node.target = targets[i];
      node.effects.writes.clear();
      node.effects.aliases.clear();
    }
  }
  return out;
}

}  // namespace pp
