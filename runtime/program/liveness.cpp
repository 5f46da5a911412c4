#include "runtime/program/liveness.h"

#include <algorithm>
#include <map>

#include "loader/ir/walk.h"
#include "runtime/program/operator_kind.h"

namespace pp {

namespace {

/// Calls `visit` with the operand, or the items of its list, that read a slot.
template <typename Visit>
void for_each_slot(Program::Body& body, Operand& operand, const Visit& visit) {
  if (operand.from == Operand::From::Slot) {
    visit(operand);
  } else if (operand.from == Operand::From::List) {
    for (Operand& item : body.lists[operand.index].items) {
      for_each_slot(body, item, visit);
    }
  }
}

}  // namespace

std::vector<uint8_t> live_nodes(
    const ir::Graph& graph, const std::vector<uint8_t>& wanted_outputs) {
  std::vector<uint8_t> needed(graph.values.size(), 0);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (wanted_outputs[i]) {
      ir::for_each_ref(
          graph.outputs[i].value, [&](ir::ValueId id) { needed[id] = 1; });
    }
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    needed[mutation.value] = 1;
  }
  std::vector<uint8_t> live(graph.nodes.size(), 0);
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const ir::Node& node = graph.nodes[i];
    if (is_assertion(node.target)) {
      continue;
    }
    const std::vector<ir::ValueId> defined = ir::defines_of(node);
    const bool is_live = !node.effects.writes.empty() || defined.empty() ||
                         std::ranges::any_of(defined, [&](ir::ValueId id) {
                           return needed[id] != 0;
                         });
    if (is_live) {
      live[i] = 1;
      for (const ir::ValueId id : ir::reads_of(node)) {
        needed[id] = 1;
      }
    }
  }
  return live;
}

std::vector<uint8_t> values_with_one_reader(
    const ir::Graph& graph, const Program::Body& body) {
  std::vector<int> num_readers(graph.values.size(), 0);
  for (const Instruction& instruction : body.instructions) {
    for (const ir::ValueId id : ir::reads_of(graph.nodes[instruction.node])) {
      ++num_readers[id];
    }
  }
  std::vector<uint8_t> out;
  for (const int count : num_readers) {
    out.push_back(count == 1 ? 1 : 0);
  }
  return out;
}

void mark_last_uses(Program::Body& body) {
  std::vector<uint8_t> is_read_later(body.num_values, 0);
  for (Operand& output : body.outputs) {
    for_each_slot(body, output, [&](const Operand& slot) {
      is_read_later[slot.index] = 1;
    });
  }
  for (const ir::ValueId id : body.mutated) {
    is_read_later[id] = 1;
  }
  for (size_t i = body.instructions.size(); i-- > 0;) {
    Instruction& instruction = body.instructions[i];
    // Operands are pushed in order, so the last one that reads a value may move
    // it.
    std::map<int32_t, Operand*> last_reads;
    for (Operand& operand : instruction.operands) {
      for_each_slot(body, operand, [&](Operand& slot) {
        last_reads[slot.index] = &slot;
      });
    }
    for (const auto& [id, slot] : last_reads) {
      if (!is_read_later[id]) {
        is_read_later[id] = 1;
        slot->from = Operand::From::LastUse;
      }
    }
    for (const ir::NodeOutput& output : instruction.outputs) {
      for (const ir::ValueId id : output.ids) {
        if (id != ir::kNoValue && !is_read_later[id]) {
          instruction.dead.push_back(id);
        }
      }
    }
  }
}

}  // namespace pp
