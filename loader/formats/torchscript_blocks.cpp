// Branches and loops as nodes that own graphs.
#include <algorithm>
#include <map>

#include "loader/core/error.h"
#include "loader/formats/torchscript_builder.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

/// Values that the blocks read and do not make, in order of first use.
std::vector<ir::ValueId> captured(const std::vector<Builder::Block>& blocks) {
  std::vector<ir::ValueId> out;
  for (const Builder::Block& block : blocks) {
    std::set<ir::ValueId> made(block.inputs.begin(), block.inputs.end());
    const auto read = [&](ir::ValueId id) {
      if (!made.contains(id) && std::ranges::find(out, id) == out.end()) {
        out.push_back(id);
      }
    };
    for (const ir::Node& node : block.nodes) {
      std::ranges::for_each(ir::reads_of(node), read);
      const auto defines = ir::defines_of(node);
      made.insert(defines.begin(), defines.end());
    }
    for (const ir::Arg& output : block.outputs) {
      ir::for_each_ref(output, read);
    }
  }
  return out;
}

/// A graph of its own out of values of the one around it.
class Extraction {
 public:
  explicit Extraction(const ir::Graph& around) : around_(around) {}

  ir::SubGraph run(
      const Builder::Block& block, const std::vector<ir::ValueId>& captures) {
    for (const auto* ids : {&block.inputs, &captures}) {
      for (const ir::ValueId id : *ids) {
        const ir::ValueId inner = number(id);
        out_.inputs.push_back(
            {.name = out_.values[static_cast<size_t>(inner)].name,
             .value = inner,
             .keyword = false});
      }
    }
    for (ir::Node node : block.nodes) {
      for (ir::NamedArg& input : node.inputs) {
        renumber(input.arg);
      }
      for (ir::NodeOutput& output : node.outputs) {
        for (ir::ValueId& id : output.ids) {
          id = id == ir::kNoValue ? id : number(id);
        }
      }
      out_.nodes.push_back(std::move(node));
    }
    for (ir::Arg output : block.outputs) {
      renumber(output);
      out_.outputs.push_back(
          {"output_" + std::to_string(out_.outputs.size()), std::move(output)});
    }
    return {block.name, std::make_shared<const ir::Graph>(std::move(out_))};
  }

 private:
  void renumber(ir::Arg& arg) {
    ir::for_each_ref(arg, [&](ir::ValueId& id) { id = number(id); });
  }
  ir::ValueId number(ir::ValueId id) {
    const auto [found, added] = numbers_.try_emplace(id, ir::kNoValue);
    if (added) {
      found->second =
          ir::add_value(out_, around_.values[static_cast<size_t>(id)]);
    }
    return found->second;
  }

  const ir::Graph& around_;
  ir::Graph out_;
  std::map<ir::ValueId, ir::ValueId> numbers_;
};

}  // namespace

void Builder::open_block() {
  outer_.push_back({std::move(graph_.nodes), std::move(open_nodes_)});
  graph_.nodes.clear();
  open_nodes_.clear();
}

std::vector<ir::Node> Builder::close_block() {
  check(!outer_.empty(), "a block is open");
  drop_open_nodes();
  std::vector<ir::Node> nodes = std::move(graph_.nodes);
  graph_.nodes = std::move(outer_.back().nodes);
  open_nodes_ = std::move(outer_.back().open_nodes);
  outer_.pop_back();
  return nodes;
}

void Builder::add_control_flow(
    std::string_view target,
    const std::vector<ir::Arg>& conditions,
    const std::vector<ir::Arg>& operands,
    const std::vector<Block>& blocks,
    const std::vector<Made>& results) {
  ir::Node node;
  node.target = target;
  node.modules = frames;
  const auto add = [&](ir::Arg arg) {
    node.inputs.push_back({"", std::move(arg), false});
  };
  std::ranges::for_each(conditions, add);
  const std::vector<ir::ValueId> captures = captured(blocks);
  for (const Block& block : blocks) {
    add({Extraction(graph_).run(block, captures)});
  }
  std::ranges::for_each(operands, add);
  for (const ir::ValueId id : captures) {
    add({ir::Ref{id}});
  }
  for (const Made& made : results) {
    node.outputs.push_back({{made.id}, false});
  }
  node.name = results.empty()
                  ? unique_name(target.substr(target.rfind(':') + 1))
                  : graph_.values[static_cast<size_t>(results[0].id)].name;
  mark_gradients(node);
  graph_.nodes.push_back(std::move(node));
}

}  // namespace pp::ts
