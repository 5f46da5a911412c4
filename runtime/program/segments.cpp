#include "runtime/program/segments.h"

#include <algorithm>
#include <array>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

/// Whether the value is a tensor that can have a gradient. A value of unknown
/// type counts as one.
bool may_have_gradient(const ir::Value& value) {
  if (value.type.kind != ir::TypeKind::Tensor) {
    return false;
  }
  if (!value.tensor || !value.tensor->known) {
    return true;
  }
  return ir::is_differentiable(value.tensor->dtype);
}

/// Whether the operator's results never depend on the values of its inputs.
bool makes_constants(const std::string& target) {
  constexpr std::array<std::string_view, 10> kNames = {
      "aten.detach.",
      "aten.zeros_like.",
      "aten.ones_like.",
      "aten.full_like.",
      "aten.empty_like.",
      "aten.new_zeros.",
      "aten.new_ones.",
      "aten.new_full.",
      "aten.new_empty.",
      "aten.sym_size."};
  return std::ranges::any_of(
      kNames, [&](std::string_view name) { return target.starts_with(name); });
}

/// A half-open range of instructions.
struct Stretch {
  size_t begin;
  size_t end;
};

class Divider {
 public:
  Divider(
      const ir::Graph& graph,
      const Program::Body& body,
      const WrittenMemory& memory)
      : graph_(graph),
        body_(body),
        memory_(memory),
        treatment_(body.instructions.size(), Treatment::Plain) {
    find_last_readers();
    find_differentiable();
    join_written();
  }

  std::vector<Segment> divide(const std::vector<std::string>& patterns) const {
    std::vector<Segment> segments;
    const size_t count = body_.instructions.size();
    for (size_t begin = 0; begin < count;) {
      const std::string module = module_at(begin, patterns);
      size_t end = begin + 1;
      while (end < count && module_at(end, patterns) == module) {
        ++end;
      }
      if (module.empty()) {
        append_parts(segments, {begin, end});
      } else {
        segments.push_back(repeated({begin, end}, module));
      }
      begin = end;
    }
    return segments;
  }

 private:
  enum class Treatment : uint8_t {
    Plain,     ///< it has no gradient
    Ruled,     ///< its rule differentiates it
    Autograd,  ///< autograd differentiates it
  };

  const ir::Node& node(size_t i) const {
    return graph_.nodes[body_.instructions[i].node];
  }

  void find_last_readers() {
    last_reader_.assign(graph_.values.size(), 0);
    made_at_.assign(graph_.values.size(), 0);
    for (size_t i = 0; i < body_.instructions.size(); ++i) {
      for (const ir::ValueId id : ir::defines_of(node(i))) {
        made_at_[id] = i;
      }
      for (const ir::ValueId id : ir::reads_of(node(i))) {
        last_reader_[id] = i;
      }
    }
    const size_t end = body_.instructions.size();
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      ir::for_each_ref(graph_.outputs[i].value, [&](ir::ValueId id) {
        last_reader_[id] = end;
      });
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      last_reader_[mutation.value] = end;
    }
  }

  /// Finds the instructions that may have a gradient: those whose results
  /// depend on a parameter or an input, and aren't integers.
  void find_differentiable() {
    std::vector<uint8_t> depends(graph_.values.size(), 0);
    for (const ir::ValueId id : body_.inputs) {
      depends[id] = may_have_gradient(graph_.values[id]) ? 1 : 0;
    }
    for (const ir::ValueId id : body_.states) {
      depends[id] = may_have_gradient(graph_.values[id]) ? 1 : 0;
    }
    for (size_t i = 0; i < body_.instructions.size(); ++i) {
      const Instruction& instruction = body_.instructions[i];
      if (!instruction.grad_enabled || makes_constants(instruction.target) ||
          std::ranges::none_of(ir::reads_of(node(i)), [&](ir::ValueId id) {
            return depends[id] != 0;
          })) {
        continue;
      }
      for (const ir::ValueId id : ir::defines_of(node(i))) {
        const ir::Value& value = graph_.values[id];
        if (may_have_gradient(value) || is_container(value)) {
          depends[id] = 1;
          treatment_[i] = instruction.rule != nullptr ? Treatment::Ruled
                                                      : Treatment::Autograd;
        }
      }
    }
  }

  static bool is_container(const ir::Value& value) {
    return value.type.kind == ir::TypeKind::List ||
           value.type.kind == ir::TypeKind::Tuple ||
           value.type.kind == ir::TypeKind::Dict;
  }

  /// Autograd follows memory that is written in place only within one graph,
  /// so everything from its allocation to its last write becomes one island.
  /// The same holds for containers, up to their last use.
  void join_written() {
    std::map<ir::ValueId, Stretch> joined;
    for (size_t i = 0; i < body_.instructions.size(); ++i) {
      const auto touch = [&](ir::ValueId id) {
        const ir::ValueId root = memory_.root_of(id);
        const bool container = is_container(graph_.values[id]);
        if (container || memory_.is_written(id)) {
          const auto [at, is_new] = joined.try_emplace(root, Stretch{i, i + 1});
          const int32_t now = body_.instructions[i].node;
          if (container || memory_.is_written_in(id, now, now)) {
            at->second.end = i + 1;
          }
        }
      };
      std::ranges::for_each(ir::reads_of(node(i)), touch);
      std::ranges::for_each(ir::defines_of(node(i)), touch);
    }
    for (const auto& [root, stretch] : joined) {
      if (is_statistic(root)) {
        continue;
      }
      for (size_t i = stretch.begin; i < stretch.end; ++i) {
        treatment_[i] = Treatment::Autograd;
      }
    }
  }

  /// Whether the root is a buffer that only its writers read, such as running
  /// statistics.
  bool is_statistic(ir::ValueId root) const {
    if (body_.state_of[root] < 0 ||
        graph_.states[body_.state_of[root]].kind == ir::StateKind::Parameter) {
      return false;
    }
    for (const Instruction& instruction : body_.instructions) {
      for (const ir::ValueId id :
           ir::reads_of(graph_.nodes[instruction.node])) {
        if (memory_.root_of(id) == root &&
            !memory_.is_written_in(id, instruction.node, instruction.node)) {
          return false;
        }
      }
    }
    return true;
  }

  /// Returns the outermost of the instruction's modules that is to be
  /// recomputed, or "".
  std::string module_at(
      size_t i, const std::vector<std::string>& patterns) const {
    for (const ir::ModuleFrame& frame : node(i).modules) {
      for (const std::string& pattern : patterns) {
        if (!frame.fqn.empty() && matches_glob(frame.fqn, pattern)) {
          return frame.fqn;
        }
      }
    }
    return "";
  }

  void append_parts(std::vector<Segment>& segments, Stretch stretch) const {
    for (size_t begin = stretch.begin; begin < stretch.end;) {
      const bool island = treatment_[begin] == Treatment::Autograd;
      size_t end = begin + 1;
      for (size_t i = end; i < stretch.end; ++i) {
        if (treatment_[i] ==
            (island ? Treatment::Ruled : Treatment::Autograd)) {
          break;
        }
        // An island ends with the last call that autograd differentiates.
        if (!island || treatment_[i] == Treatment::Autograd) {
          end = i + 1;
        }
      }
      segments.push_back(segment(
          island ? Segment::Kind::Island : Segment::Kind::Straight,
          {begin, end}));
      begin = end;
    }
  }

  Segment segment(Segment::Kind kind, Stretch stretch) const {
    Segment out;
    out.kind = kind;
    out.begin = stretch.begin;
    out.end = stretch.end;
    const int32_t first = body_.instructions[out.begin].node;
    const int32_t last = body_.instructions[out.end - 1].node;
    std::set<ir::ValueId> seen;
    for (size_t i = out.begin; i < out.end; ++i) {
      for (const ir::ValueId id : ir::reads_of(node(i))) {
        if (seen.insert(id).second) {
          const bool written = memory_.is_written_in(id, first, last);
          out.inputs.push_back({id, written});
          if (written && last_reader_[id] >= out.end) {
            out.outputs.push_back(id);
          }
        }
      }
      for (const ir::ValueId id : ir::defines_of(node(i))) {
        seen.insert(id);
        if (last_reader_[id] >= out.end) {
          out.outputs.push_back(id);
        }
      }
    }
    return out;
  }

  Segment repeated(Stretch stretch, const std::string& module) const {
    Segment out = segment(Segment::Kind::Repeated, stretch);
    append_parts(out.parts, stretch);
    // Maps the root of a memory to the number of values that share it, exist
    // before the module, and are read in the module or later.
    std::map<ir::ValueId, int> sharers;
    for (size_t id = 0; id < last_reader_.size(); ++id) {
      const auto value = static_cast<ir::ValueId>(id);
      if (made_at_[id] < out.begin && last_reader_[id] >= out.begin) {
        ++sharers[memory_.root_of(value)];
      }
    }
    const int32_t after = body_.instructions[out.end - 1].node + 1;
    for (const Segment::Input& input : out.inputs) {
      const int32_t state = body_.state_of[input.value];
      const bool is_parameter =
          state >= 0 && graph_.states[state].kind == ir::StateKind::Parameter;
      if (memory_.is_written_in(input.value, after) ||
          (input.written &&
           (is_parameter || sharers[memory_.root_of(input.value)] > 1))) {
        throw usage_error(
            (body_.where.empty() ? "" : body_.where + ": ") + "'" + module +
            "' can't be recomputed: it reads '" +
            graph_.values[input.value].name +
            "', which is modified in place; name an enclosing module in "
            "pipeline.recompute, or set pipeline.recompute = true");
      }
    }
    return out;
  }

  const ir::Graph& graph_;
  const Program::Body& body_;
  const WrittenMemory& memory_;
  std::vector<Treatment> treatment_;  ///< by instruction
  std::vector<size_t> last_reader_;   ///< by value
  std::vector<size_t> made_at_;       ///< by value; 0 for inputs and states
};

}  // namespace

std::vector<Segment> divide_into_segments(
    const ir::Graph& graph,
    const Program::Body& body,
    const WrittenMemory& memory,
    const std::vector<std::string>& recompute) {
  return Divider(graph, body, memory).divide(recompute);
}

}  // namespace pp
