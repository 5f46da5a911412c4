#include "splitter/cut/boundary.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

/// Plans one stage, given what the stage after it asks for.
class Planner {
 public:
  Planner(
      const Flow& flow,
      int begin,
      int end,
      bool transmit,
      const StagePlan* next)
      : flow_(flow), graph_(*flow.graph), transmit_(transmit), next_(next) {
    plan_.begin = begin;
    plan_.end = end;
  }

  StagePlan run() {
    keep_nodes();
    for (const int node : plan_.kept) {
      for (const ir::ValueId id : ir::reads_of(graph_.nodes[node])) {
        obtain(id, true);
      }
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      hold_mutated(mutation);
    }
    for (const ir::ValueId id : asked_for()) {
      obtain(id, false);
    }
    note_reads_beyond();
    find_sizes();
    mark_copies();
    order_inputs();
    return std::move(plan_);
  }

 private:
  bool is_here(int node) const {
    return node >= plan_.begin && node < plan_.end;
  }
  bool is_last() const { return next_ == nullptr; }

  /// The values that must leave the stage, to the next one or as the model's
  /// outputs.
  std::vector<ir::ValueId> asked_for() const {
    if (next_ != nullptr) {
      return next_->received;
    }
    std::vector<ir::ValueId> out;
    for (const ir::Output& output : graph_.outputs) {
      ir::for_each_ref(
          output.value, [&](ir::ValueId id) { out.push_back(id); });
    }
    return out;
  }

  /// Whether a node may be left out if no one needs its results.
  bool is_optional(int position) const {
    const ir::Node& node = graph_.nodes[position];
    const bool whole_model = plan_.begin == 0 && is_last();
    if (whole_model || !node.effects.writes.empty() || node.effects.random) {
      return false;
    }
    const auto defines = ir::defines_of(node);
    const bool had_readers = std::ranges::any_of(
        defines, [&](ir::ValueId id) { return flow_.is_needed_from(id, 0); });
    return had_readers && (flow_.is_free[position] ||
                           std::ranges::all_of(defines, [&](ir::ValueId id) {
                             return is_scalar(flow_.value(id));
                           }));
  }

  bool is_assertion(const ir::Node& node) const {
    const auto reads = ir::reads_of(node);
    return ir::defines_of(node).empty() && node.effects.writes.empty() &&
           !node.effects.random &&
           std::ranges::none_of(reads, [&](ir::ValueId id) {
             return is_scalar(flow_.value(id));
           });
  }

  /// Leaves out nodes whose results only later stages need (these stages run
  /// the nodes again), and assertions about those results.
  void keep_nodes() {
    std::vector<bool> used(graph_.values.size(), false);
    for (const ir::ValueId id : asked_for()) {
      used[id] = true;
    }
    for (const ir::Mutation& mutation : graph_.mutations) {
      used[mutation.value] = true;
    }
    std::vector<int> assertions;
    for (int i = plan_.end - 1; i >= plan_.begin; --i) {
      const ir::Node& node = graph_.nodes[i];
      if (is_marker(node)) {
        continue;
      }
      if (is_assertion(node)) {
        assertions.push_back(i);
        continue;
      }
      const auto defines = ir::defines_of(node);
      const bool is_used = std::ranges::any_of(
          defines, [&](ir::ValueId id) { return used[id] == true; });
      if (!is_used && is_optional(i)) {
        continue;
      }
      for (const ir::ValueId id : ir::reads_of(node)) {
        used[id] = true;
      }
      plan_.kept.push_back(i);
    }
    for (const int i : assertions) {
      const auto reads = ir::reads_of(graph_.nodes[i]);
      const bool reads_left_out =
          std::ranges::any_of(reads, [&](ir::ValueId id) {
            return is_here(flow_.made_at[id]) && !used[id];
          });
      if (!reads_left_out) {
        plan_.kept.push_back(i);
      }
    }
    std::ranges::sort(plan_.kept);
  }

  /// Makes a value that an earlier node, an input or a state defines available
  /// in this stage.
  /// read_here  whether one of the stage's own nodes reads the value
  void obtain(ir::ValueId id, bool read_here) {
    if (is_here(flow_.made_at[id])) {
      return;
    }
    if (read_here) {
      read_.insert(id);
    }
    if (!obtained_.insert(id).second) {
      return;
    }
    const AliasSet& set = flow_.aliases.of(id);
    if (flow_.is_user_input_at(id, plan_.begin)) {
      user_inputs_.insert(id);
    } else if (holds_state(id)) {
      plan_.states.insert(flow_.state_of[id]);
    } else if (flow_.is_made_freely(id)) {
      if (read_here) {
        plan_.recomputed.push_back(id);
      }
      rerun(flow_.made_at[id]);
    } else if (is_scalar(flow_.value(id))) {
      scalars_.insert(id);
    } else if (flow_.enters_as_root(set, plan_.begin) && id != set.root) {
      replay(id, read_here);
    } else {
      received_.insert(id);
    }
  }

  /// Whether the value is a state that this stage holds, rather than receives.
  bool holds_state(ir::ValueId id) const {
    const int state = flow_.state_of[id];
    if (state < 0) {
      return false;
    }
    const AliasSet& set = flow_.aliases.of(id);
    const bool is_sent =
        transmit_ && set.first_touch < plan_.begin &&
        graph_.states[state].kind == ir::StateKind::Parameter &&
        graph_.states[state].memory.empty();
    return !is_sent && (!set.is_written() || set.writes.back() >= plan_.begin);
  }

  void rerun(int position) {
    if (!plan_.rerun.insert(position).second) {
      return;
    }
    for (const ir::ValueId id : ir::reads_of(graph_.nodes[position])) {
      obtain(id, false);
      read_.insert(id);
    }
  }

  void replay(ir::ValueId id, bool read_here) {
    const AliasStep& step = flow_.aliases.steps[id];
    obtain(step.from, read_here);
    if (step.same) {
      plan_.rerun.insert(step.node);  // it only renames the tensor
    } else {
      rerun(step.node);
    }
  }

  void hold_mutated(const ir::Mutation& mutation) {
    const int state = ir::try_find_state(graph_, mutation.fqn);
    const AliasSet& set = flow_.aliases.of(graph_.states[state].value);
    if (is_here(set.writes.back())) {
      plan_.states.insert(state);
      obtain(mutation.value, false);
    }
  }

  void note_reads_beyond() {
    for (const ir::ValueId id : received_) {
      if (read_.contains(id)) {
        plan_.read_here.insert(id);
      }
      if (read_.contains(id) ||
          (next_ != nullptr && next_->read_later.contains(id))) {
        plan_.read_later.insert(id);
      }
    }
  }

  /// Finds the sizes that the stage needs: in the shape of a tensor that it has
  /// anyway, by arithmetic on other sizes, or else from the stage before.
  void find_sizes() {
    SizeFinder finder(flow_);
    for (const auto& wanted : {plan_.read_here, plan_.read_later}) {
      for (const ir::ValueId id : in_order(wanted)) {
        finder.add(id);
      }
    }
    for (const ir::Input& input : graph_.inputs) {
      if (user_inputs_.contains(input.value)) {
        finder.add(input.value);
      }
    }
    std::set<ir::ValueId> open = std::move(scalars_);
    scalars_.clear();
    std::set<ir::ValueId> done;
    while (!open.empty()) {
      const ir::ValueId id = *open.begin();
      open.erase(open.begin());
      if (!done.insert(id).second) {
        continue;
      }
      if (const auto* place = finder.try_find(id); place != nullptr) {
        plan_.sizes[id] = *place;
        plan_.read_here.insert(place->tensor);
      } else if (finder.can_make(id)) {
        const int made = flow_.made_at[id];
        plan_.rerun.insert(made);
        for (const ir::ValueId read : ir::reads_of(graph_.nodes[made])) {
          obtain(read, false);
        }
        open.merge(scalars_);
        scalars_.clear();
      } else {
        received_.insert(id);
        if (read_.contains(id)) {
          plan_.read_here.insert(id);
          plan_.read_later.insert(id);
        } else if (next_ != nullptr && next_->read_later.contains(id)) {
          plan_.read_later.insert(id);
        }
      }
    }
    std::erase_if(plan_.read_here, [&](ir::ValueId id) {
      return !received_.contains(id);
    });
  }

  void mark_copies() {
    const auto written_here = [&](ir::ValueId id) {
      const auto& writes = flow_.aliases.of(id).writes;
      return std::ranges::any_of(
          writes, [&](int node) { return is_here(node); });
    };
    for (const auto* entering : {&received_, &user_inputs_}) {
      for (const ir::ValueId id : *entering) {
        if (written_here(id)) {
          plan_.copied.insert(id);
        }
      }
    }
  }

  std::vector<ir::ValueId> in_order(const std::set<ir::ValueId>& ids) const {
    std::vector<ir::ValueId> out(ids.begin(), ids.end());
    flow_.sort_by_origin(out);
    return out;
  }

  void order_inputs() {
    plan_.received = in_order(received_);
    for (const ir::Input& input : graph_.inputs) {
      if (user_inputs_.contains(input.value)) {
        plan_.user_inputs.push_back(input.value);
      }
    }
  }

  const Flow& flow_;
  const ir::Graph& graph_;
  bool transmit_;
  const StagePlan* next_;  // null: this is the last stage
  StagePlan plan_;
  std::set<ir::ValueId> obtained_;
  std::set<ir::ValueId> received_;
  std::set<ir::ValueId> user_inputs_;
  std::set<ir::ValueId> scalars_;  // must be found, made or received
  std::set<ir::ValueId> read_;     // read by a node that runs here
};

/// Names the split points around a stage: " (between 'a' and 'b')".
std::string place_of(size_t stage, const std::vector<std::string>& names) {
  if (names.empty()) {
    return "";
  }
  if (stage == 0) {
    return " (before '" + names.front() + "')";
  }
  if (stage == names.size()) {
    return " (from '" + names.back() + "')";
  }
  return " (between '" + names[stage - 1] + "' and '" + names[stage] + "')";
}

}  // namespace

std::vector<StagePlan> plan_stages(
    const Flow& flow,
    const std::vector<int>& cuts,
    bool transmit,
    const std::vector<std::string>& names) {
  const size_t count = cuts.size() + 1;
  std::vector<StagePlan> plans(count);
  for (size_t i = count; i-- > 0;) {
    const int begin = i == 0 ? 0 : cuts[i - 1];
    const int end = i == cuts.size() ? flow.end : cuts[i];
    const StagePlan* next = i + 1 < count ? &plans[i + 1] : nullptr;
    plans[i] = Planner(flow, begin, end, transmit, next).run();
    const bool works = std::ranges::any_of(plans[i].kept, [&](int node) {
      return does_work(*flow.graph, flow.graph->nodes[node]);
    });
    if (count > 1 && !works) {
      throw usage_error(
          "stage " + std::to_string(i) + place_of(i, names) +
          " would be empty: other stages recompute everything in it; remove a "
          "split point next to it, or use pp split --no-remat");
    }
  }
  check(plans.front().received.empty(), "the first stage receives no values");
  return plans;
}

}  // namespace pp
