#include "runtime/program/written_memory.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

/// Which memory a graph writes in place, and when.
class WrittenMemory {
 public:
  WrittenMemory(
      const ir::Graph& graph,
      const std::vector<uint8_t>& live,
      Program::Body& body)
      : graph_(graph), live_(live), body_(body) {
    find_writers();
  }

  void mark_inputs_and_states() {
    for (const ir::ValueId input : body_.inputs) {
      body_.written_inputs.push_back(writers_.contains(input) ? 1 : 0);
    }
    for (const ir::ValueId state : body_.states) {
      body_.written_states.push_back(writers_.contains(state) ? 1 : 0);
    }
  }

  void mark_recomputed(const std::vector<std::string>& patterns) {
    const std::vector<Instruction>& all = body_.instructions;
    for (size_t begin = 0; begin < all.size();) {
      const auto module_at = [&](size_t i) {
        return recomputed_module(graph_.nodes[all[i].node], patterns);
      };
      const std::string module = module_at(begin);
      size_t end = begin + 1;
      while (end < all.size() && module_at(end) == module) {
        ++end;
      }
      if (!module.empty()) {
        body_.recomputed.push_back(range_of(begin, end, module));
      }
      begin = end;
    }
  }

 private:
  /// Follows views: root_[v] is the value whose memory v shares.
  void find_writers() {
    root_.resize(graph_.values.size());
    for (size_t i = 0; i < root_.size(); ++i) {
      root_[i] = static_cast<ir::ValueId>(i);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const auto& [output, input] : graph_.nodes[i].effects.aliases) {
        root_[output] = root_[input];
      }
      if (live_[i]) {
        for (const ir::ValueId id : graph_.nodes[i].effects.writes) {
          writers_[root_[id]].push_back(static_cast<int32_t>(i));
        }
      }
    }
  }

  /// The outermost of the node's modules that is to be recomputed, or none.
  std::string recomputed_module(
      const ir::Node& node, const std::vector<std::string>& patterns) const {
    for (const ir::ModuleFrame& frame : node.modules) {
      for (const std::string& pattern : patterns) {
        if (!frame.fqn.empty() && matches_glob(frame.fqn, pattern)) {
          return frame.fqn;
        }
      }
    }
    return "";
  }

  RecomputedRange range_of(
      size_t begin, size_t end, const std::string& module) {
    RecomputedRange range{begin, end, {}};
    std::set<ir::ValueId> known;
    for (size_t i = begin; i < end; ++i) {
      const ir::Node& node = graph_.nodes[body_.instructions[i].node];
      for (const ir::ValueId id : ir::reads_of(node)) {
        if (known.insert(id).second) {
          range.inputs.push_back({id, false});
        }
      }
      for (const ir::ValueId id : ir::defines_of(node)) {
        known.insert(id);
      }
    }
    const int32_t first = body_.instructions[begin].node;
    const int32_t last = body_.instructions[end - 1].node;
    std::map<ir::ValueId, int> sharers;
    for (const RecomputedRange::Input& input : range.inputs) {
      ++sharers[root_[input.value]];
    }
    for (RecomputedRange::Input& input : range.inputs) {
      const auto writers = writers_.find(root_[input.value]);
      if (writers == writers_.end()) {
        continue;
      }
      const auto writes_in = [&](int32_t from, int32_t to) {
        return std::ranges::any_of(writers->second, [&](int32_t at) {
          return from <= at && at <= to;
        });
      };
      input.written = writes_in(first, last);
      if (writes_in(last + 1, std::numeric_limits<int32_t>::max()) ||
          (input.written && sharers[root_[input.value]] > 1)) {
        throw usage_error(
            (body_.where.empty() ? "" : body_.where + ": ") + "'" + module +
            "' can't be recomputed: it reads '" +
            graph_.values[input.value].name +
            "', which is written in place; name the module around it in "
            "pipeline.recompute, or true for whole stages");
      }
    }
    return range;
  }

  const ir::Graph& graph_;
  const std::vector<uint8_t>& live_;
  Program::Body& body_;
  std::vector<ir::ValueId> root_;  ///< whose memory a value shares, by value
  /// Nodes that write a root in place, ascending.
  std::map<ir::ValueId, std::vector<int32_t>> writers_;
};

}  // namespace

void mark_written(
    const ir::Graph& graph,
    const std::vector<uint8_t>& live,
    const std::vector<std::string>& recompute,
    Program::Body& body) {
  WrittenMemory memory(graph, live, body);
  memory.mark_inputs_and_states();
  memory.mark_recomputed(recompute);
}

}  // namespace pp
