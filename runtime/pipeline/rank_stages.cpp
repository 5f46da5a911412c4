#include "runtime/pipeline/rank_stages.h"

#include <algorithm>

#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/device/rank_device.h"
#include "runtime/optim/optimizer_share.h"
#include "runtime/plan/name_patterns.h"
#include "runtime/program/in_double.h"
#include "runtime/stage/map_states.h"

namespace pp {

namespace {

/// Gives parameters with gaps between their entries dense memory, because
/// optimizers update entries side by side. A parameter that shares its memory
/// stays where it is.
void close_gaps(const ir::Graph& graph, std::vector<at::Tensor>& tensors) {
  const c10::AutoGradMode no_grad(false);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor& tensor = tensors[i];
    if (tensor.requires_grad() && graph.states[i].memory.empty() &&
        !tensor.is_non_overlapping_and_dense() && entries_are_apart(tensor)) {
      tensors[i] = tensor.clone().set_requires_grad(true);
    }
  }
}

/// Whether the entries of two tensors are equal, or both not numbers.
bool same_entries(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor on_device = b.to(a.device());
  return at::logical_or(
             a.eq(on_device), at::logical_and(a.ne(a), on_device.ne(on_device)))
      .all()
      .item()
      .toBool();
}

}  // namespace

std::optional<ir::ScalarType> autocast_type(Precision precision) {
  switch (precision) {
    case Precision::Float32:
      return std::nullopt;
    case Precision::BFloat16:
      return ir::ScalarType::BFloat16;
    case Precision::Float16:
      return ir::ScalarType::Half;
  }
  check(false, "a precision has no case");
  return std::nullopt;
}

std::vector<int> stages_of(const StageMap& stage_to_rank, int rank) {
  std::vector<int> stages;
  for (size_t stage = 0; stage < stage_to_rank.size(); ++stage) {
    if (stage_to_rank[stage] == rank) {
      stages.push_back(static_cast<int>(stage));
    }
  }
  return stages;
}

c10::Device device_of(const RankContext& context) {
  return context.device == nullptr ? c10::Device(c10::kCPU)
                                   : context.device->device();
}

StageOptions stage_options(const Plan& plan, c10::Device device) {
  StageOptions options;
  options.wanted = plan.wanted;
  options.device = device;
  options.mode = plan.mode;
  if (plan.train) {
    options.trainable = true;
    options.evaluate = plan.eval.has_value();
    options.autocast = autocast_type(plan.train->precision);
    options.recompute = plan.recompute;
  }
  return options;
}

void use_graphs(
    const Execution& execution,
    const RankContext& context,
    RankStages& stages) {
  if (!execution.cuda_graphs) {
    return;
  }
  const auto refuse = [&](const std::string& why) {
    if (context.rank == 0) {
      context.log.warning("pipeline.cuda_graphs has no effect: " + why);
    }
  };
  if (context.device == nullptr) {
    return refuse("pipeline.device is \"" + to_string(execution.device) + "\"");
  }
  // With more, ranks share streams, and one would capture another's work.
  if (context.launcher == LauncherKind::Local &&
      context.size > kRanksWithStreams) {
    return refuse(
        "more than " + std::to_string(kRanksWithStreams) +
        " ranks run as threads of one process; use --launcher processes, "
        "which has no such limit");
  }
  for (auto& [index, stage] : stages.stages()) {
    stage.replay_with(
        [device = context.device] {
          return device->plugin().graph_memory(device->device().index());
        },
        [log = context.log, index = index](const std::string& what) {
          log.warning("stage " + std::to_string(index) + " " + what);
        });
  }
}

namespace {

/// Changes the types at a border to those that the graph has there once it
/// computes in double precision.
void widen(Border& border) {
  for (EntryPoint& entry : border.entries) {
    ir::TensorMeta& tensor = entry.contract.tensor;
    tensor.dtype = in_double(tensor.dtype);
  }
  for (ExitPoint& exit : border.exits) {
    exit.tensor.dtype = in_double(exit.tensor.dtype);
  }
}

}  // namespace

RankStages::RankStages(
    const PipelineSource& source,
    const std::vector<int>& stages,
    const StageOptions& options) {
  const auto& [wanted, mode, trainable, evaluate, in_double, autocast, recompute, device] =
      options;
  for (const int index : stages) {
    const StageSource& from = source.stage(index);
    Border border = plan_border(source.manifest, index, wanted);
    border.autocast = autocast;
    ir::Graph graph = from.graph;
    for (std::string& note : set_mode(graph, mode)) {
      notes_.push_back("stage " + std::to_string(index) + ": " + note);
    }
    std::optional<ir::Graph> eval_graph;
    if (evaluate && mode != Mode::Eval) {
      eval_graph = from.graph;
      set_mode(*eval_graph, Mode::Eval);
    }
    if (in_double) {
      set_double(graph);
      widen(border);
    }
    if (autocast) {
      set_autocast(graph, *autocast);
    }
    if (autocast && eval_graph) {
      set_autocast(*eval_graph, *autocast);
    }
    // Messages need no place of their own: the executor names the stage.
    StagePrograms programs =
        compile_programs(graph, border, eval_graph, "", recompute, device);
    std::vector<at::Tensor> tensors =
        map_states(graph, from.records, *from.archive, trainable);
    close_gaps(graph, tensors);
    if (in_double) {
      std::ranges::transform(
          tensors, tensors.begin(), [](const at::Tensor& tensor) {
            return pp::in_double(tensor);
          });
    }
    if (!device.is_cpu()) {
      tensors = states_on(device, tensors);
    }
    std::vector<StageState> states;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const ir::State& state = graph.states[i];
      states.push_back(
          {state.fqn,
           state.aliases,
           state.kind,
           state.persistent,
           tensors[i],
           !state.memory.empty()});
    }
    Stage stage(
        index, std::move(border), std::move(programs), std::move(states));
    for (const size_t written : stage.written_buffers()) {
      stage.states()[written].written = true;
    }
    stages_.emplace(index, std::move(stage));
  }
}

std::map<int, Stage*> RankStages::pointers() {
  std::map<int, Stage*> out;
  for (auto& [index, stage] : stages_) {
    out.emplace(index, &stage);
  }
  return out;
}

std::set<std::string> RankStages::user_inputs() const {
  std::set<std::string> names;
  for (const auto& [index, stage] : stages_) {
    for (const EntryPoint& entry : stage.border().entries) {
      if (entry.from == EntryPoint::From::User) {
        names.insert(entry.name);
      }
    }
  }
  return names;
}

void RankStages::freeze(const std::vector<std::string>& patterns) {
  for (auto& [index, stage] : stages_) {
    for (StageState& state : stage.states()) {
      if (state.tensor.requires_grad() &&
          has_match(state.fqn, state.aliases, patterns)) {
        state.tensor.set_requires_grad(false);
      }
    }
  }
}

std::set<std::string> RankStages::saved_fqns() const {
  std::set<std::string> fqns;
  for (const auto& [index, stage] : stages_) {
    for (const StageState& state : stage.states()) {
      if (state.is_saved()) {
        fqns.insert(state.fqn);
      }
    }
  }
  return fqns;
}

void RankStages::load(
    const std::function<at::Tensor(const std::string& fqn)>& find,
    const std::string& where) {
  const c10::AutoGradMode no_grad(false);
  for (auto& [index, stage] : stages_) {
    for (StageState& state : stage.states()) {
      // States that aren't saved by this run may be in the checkpoint too: the
      // run that wrote it may have changed them.
      const at::Tensor saved = find(state.fqn);
      if (!saved.defined() && !state.is_saved()) {
        continue;
      }
      if (!saved.defined()) {
        throw input_error(
            where + ": has no '" + state.fqn + "', which stage " +
            std::to_string(index) +
            " needs; is it a checkpoint of another model?");
      }
      if (saved.sizes() != state.tensor.sizes() ||
          saved.scalar_type() != state.tensor.scalar_type()) {
        throw input_error(
            where + ": '" + state.fqn + "' is " +
            c10::toString(saved.scalar_type()) +
            shape_text({saved.sizes().data(), saved.sizes().size()}) +
            ", but the model has " + c10::toString(state.tensor.scalar_type()) +
            shape_text(
                {state.tensor.sizes().data(), state.tensor.sizes().size()}));
      }
      state.tensor.copy_(saved);
    }
  }
  check_shared_memory(find, where);
}

/// Checks that states that share memory have the same saved values. load() has
/// copied these values one over the other.
void RankStages::check_shared_memory(
    const std::function<at::Tensor(const std::string& fqn)>& find,
    const std::string& where) const {
  for (const auto& [index, stage] : stages_) {
    for (const StageState& state : stage.states()) {
      const at::Tensor saved =
          state.shares_memory ? find(state.fqn) : at::Tensor();
      if (saved.defined() && !same_entries(state.tensor, saved)) {
        throw input_error(
            where + ": '" + state.fqn +
            "' shares memory with other states of the model, but the values "
            "saved for them differ; was the checkpoint written for a model in "
            "which they don't share memory?");
      }
    }
  }
}

}  // namespace pp
