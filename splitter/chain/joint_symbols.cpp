#include "splitter/chain/joint_symbols.h"

#include <memory>

#include "loader/core/error.h"
#include "loader/ir/dims_text.h"
#include "loader/ir/size_conditions.h"

namespace pp {

namespace {

template <typename Visit>
void each_dim(ir::TensorMeta& tensor, const Visit& visit) {
  for (ir::Dim& dim : tensor.sizes) {
    visit(dim);
  }
  for (ir::Dim& dim : tensor.strides) {
    visit(dim);
  }
  visit(tensor.storage_offset);
}

template <typename Visit>
void each_dim(ir::Graph& graph, const Visit& visit) {
  for (ir::Value& value : graph.values) {
    if (value.tensor) {
      each_dim(*value.tensor, visit);
    }
    if (value.scalar) {
      visit(*value.scalar);
    }
  }
  for (ir::Node& node : graph.nodes) {
    for (ir::NamedArg& input : node.inputs) {
      if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        auto block = std::make_shared<ir::Graph>(*sub->graph);
        each_dim(*block, visit);
        sub->graph = std::move(block);
      }
    }
  }
}

}  // namespace

bool JointSymbols::meet(const ir::Dim& earlier, const ir::Dim& current) {
  if (earlier.is_fixed() && current.is_fixed()) {
    return earlier.value == current.value;
  }
  if (ir::is_symbol(earlier) && ir::is_symbol(current)) {
    names_.emplace(current.expr, earlier.expr);
  } else if (ir::is_symbol(earlier) && current.is_fixed()) {
    const Pinned met{current.value, earlier.value};
    return pinned_.emplace(earlier.expr, met).first->second.value ==
           current.value;
  } else if (earlier.is_fixed() && ir::is_symbol(current)) {
    const Pinned met{earlier.value, current.value};
    return met_.emplace(current.expr, met).first->second.value == earlier.value;
  }
  return true;  // the runtime checks the value of an expression
}

void JointSymbols::rename(ir::Graph& graph) {
  std::map<std::string, ir::Range> ranges;
  for (const auto& [symbol, range] : graph.ranges) {
    const auto [found, is_own] = names_.try_emplace(symbol, symbol);
    std::string& name = found->second;
    while (is_own && used_names_.contains(name)) {
      name += "_" + std::to_string(used_names_.size());
    }
    ir::narrow(ranges.emplace(name, range).first->second, range);
  }
  for (const auto& [symbol, name] : names_) {
    used_names_.insert(name);
  }
  for (const auto& [symbol, met] : met_) {
    const auto found = names_.find(symbol);
    pinned_.emplace(found == names_.end() ? symbol : found->second, met);
  }
  each_dim(graph, [&](ir::Dim& dim) {
    dim.expr = ir::replace_words(dim.expr, [&](const std::string& word) {
      const auto found = names_.find(word);
      return found == names_.end() ? word : found->second;
    });
  });
  graph.ranges = std::move(ranges);
}

void JointSymbols::pin(ir::TensorMeta& tensor) const {
  each_dim(tensor, [&](ir::Dim& dim) {
    const auto found = pinned_.find(dim.expr);
    if (found != pinned_.end()) {
      dim = {found->second.value, {}};
    }
  });
}

void JointSymbols::pin(ir::Graph& graph) const {
  each_dim(graph, [&](ir::Dim& dim) {
    if (const auto whole = pinned_.find(dim.expr); whole != pinned_.end()) {
      dim = {whole->second.value, {}};
      return;
    }
    bool has_pinned = false;
    bool has_free = false;
    ir::replace_words(dim.expr, [&](const std::string& word) {
      const auto found = pinned_.find(word);
      if (found == pinned_.end()) {
        has_free = has_free || graph.ranges.contains(word);
        return word;
      }
      has_pinned = true;
      if (found->second.value != found->second.at_export) {
        throw input_error(
            "the size '" + dim.expr + "' uses '" + word + "', which was " +
            std::to_string(found->second.at_export) +
            " at export, but another stage fixes it to " +
            std::to_string(found->second.value) +
            "; export the stages with the same sizes");
      }
      return word;
    });
    if (has_pinned && !has_free) {
      dim.expr.clear();
    }
  });
  for (const auto& [symbol, met] : pinned_) {
    if (const auto found = graph.ranges.find(symbol);
        found != graph.ranges.end()) {
      found->second = {met.value, met.value};
    }
  }
}

}  // namespace pp
