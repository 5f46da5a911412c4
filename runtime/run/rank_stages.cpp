#include "runtime/run/rank_stages.h"

#include <algorithm>

#include <c10/core/GradMode.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/device/rank_device.h"
#include "runtime/run/name_patterns.h"
#include "runtime/stage/states.h"

namespace pp {

Mode parse_mode(const std::string& text) {
  if (text == "exported") {
    return Mode::Exported;
  }
  if (text == "train") {
    return Mode::Train;
  }
  if (text == "eval") {
    return Mode::Eval;
  }
  throw usage_error("mode '" + text + "' is not one of exported, train, eval");
}

std::optional<ir::ScalarType> parse_precision(const std::string& text) {
  if (text == "fp32") {
    return std::nullopt;
  }
  if (text == "bf16") {
    return ir::ScalarType::BFloat16;
  }
  if (text == "fp16") {
    return ir::ScalarType::Half;
  }
  throw usage_error("precision '" + text + "' is not one of fp32, bf16, fp16");
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
  const Job& job = plan.job;
  StageOptions options;
  options.wanted = plan.wanted;
  options.device = device;
  options.mode = parse_mode(job.model.mode);
  if (job.train) {
    options.trainable = true;
    options.evaluate = job.eval.has_value();
    options.autocast = parse_precision(job.train->precision);
    options.recompute = {job.pipeline.recompute_stages, job.pipeline.recompute};
  }
  return options;
}

void use_graphs(
    const Job& job, const RankContext& context, RankStages& stages) {
  if (!job.pipeline.cuda_graphs) {
    return;
  }
  const auto refuse = [&](const std::string& why) {
    if (context.rank == 0) {
      context.log.warning("pipeline.cuda_graphs has no effect: " + why);
    }
  };
  if (context.device == nullptr) {
    return refuse("pipeline.device is \"" + job.pipeline.device + "\"");
  }
  // Beyond that ranks share streams, and one would capture another's work.
  if (context.launcher == LauncherKind::Local &&
      context.size > kRanksWithStreams) {
    return refuse(
        "more than " + std::to_string(kRanksWithStreams) +
        " ranks are threads of one process; processes or torchrun have no "
        "such limit");
  }
  for (auto& [index, stage] : stages.stages()) {
    stage.replay_with(
        [device = context.device] {
          return device->plugin().graph_memory(device->device().index());
        },
        [log = context.log, index](const std::string& what) {
          log.warning("stage " + std::to_string(index) + " " + what);
        });
  }
}

RankStages::RankStages(
    const PipelineSource& source,
    const std::vector<int>& stages,
    const StageOptions& options) {
  const auto& [wanted, mode, trainable, evaluate, autocast, recompute, device] =
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
    if (autocast) {
      set_autocast(graph, *autocast);
    }
    if (autocast && eval_graph) {
      set_autocast(*eval_graph, *autocast);
    }
    // Without a place of its own: the executor names stage and action.
    Stage::Programs programs =
        compile_programs(graph, border, eval_graph, "", recompute, device);
    std::vector<at::Tensor> tensors =
        map_states(graph, from.records, *from.archive, trainable);
    if (!device.is_cpu()) {
      for (at::Tensor& tensor : tensors) {
        tensor = tensor.detach().to(device).set_requires_grad(
            tensor.requires_grad());
      }
    }
    std::vector<StageState> states;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const ir::State& state = graph.states[i];
      states.push_back(
          {state.fqn, state.aliases, state.kind, state.persistent, tensors[i]});
    }
    stages_.emplace(
        index,
        Stage(
            index, std::move(border), std::move(programs), std::move(states)));
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
          is_frozen(state.fqn, state.aliases, patterns)) {
        state.tensor.set_requires_grad(false);
      }
    }
  }
}

void RankStages::load(
    const std::function<at::Tensor(const std::string& fqn)>& find,
    const std::string& where) {
  const c10::AutoGradMode no_grad(false);
  for (auto& [index, stage] : stages_) {
    for (StageState& state : stage.states()) {
      if (state.kind == ir::StateKind::Constant || !state.persistent) {
        continue;
      }
      const at::Tensor saved = find(state.fqn);
      if (!saved.defined()) {
        throw input_error(
            where + ": has no '" + state.fqn + "', which stage " +
            std::to_string(index) + " needs; is it of another model?");
      }
      if (saved.sizes() != state.tensor.sizes() ||
          saved.scalar_type() != state.tensor.scalar_type()) {
        throw input_error(
            where + ": '" + state.fqn + "' is " +
            c10::toString(saved.scalar_type()) +
            shape_text({saved.sizes().data(), saved.sizes().size()}) +
            ", the model has " + c10::toString(state.tensor.scalar_type()) +
            shape_text(
                {state.tensor.sizes().data(), state.tensor.sizes().size()}));
      }
      state.tensor.copy_(saved);
    }
  }
}

}  // namespace pp
