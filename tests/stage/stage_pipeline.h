#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/stage/stage.h"
#include "splitter/cut/partition.h"

namespace pp::test {

/// A model cut at split points, its stages built on given state tensors.
class Pipeline {
 public:
  Pipeline(
      const std::string& text,
      std::vector<SplitPoint> at,
      std::map<std::string, at::Tensor> states,
      bool rematerialise = true,
      bool transmit = false,
      const Recompute& recompute = {}) {
    Model model;
    model.path = "test";
    model.graph = ir::parse_text(text);
    annotate_effects(model.graph, "test");
    SplitSpec spec;
    spec.at = std::move(at);
    spec.rematerialise = rematerialise;
    spec.tied = transmit ? TiedParameters::Transmit : TiedParameters::Replicate;
    Partition parts = partition(model, spec);
    for (size_t i = 0; i < parts.stages.size(); ++i) {
      const ir::Graph& graph = parts.stages[i];
      WantedOutputs wanted{"y"};
      if (text.find("output z") != std::string::npos) {
        wanted.insert("z");
      }
      Border border = plan_border(parts.manifest, static_cast<int>(i), wanted);
      StagePrograms programs =
          compile_programs(graph, border, std::nullopt, "test", recompute);
      std::vector<StageState> held;
      for (const ir::State& state : graph.states) {
        const at::Tensor copy = states.at(state.fqn).clone();
        held.push_back(
            {state.fqn,
             {},
             state.kind,
             true,
             copy.set_requires_grad(state.kind == ir::StateKind::Parameter)});
      }
      stages_.emplace_back(
          static_cast<int>(i),
          std::move(border),
          std::move(programs),
          std::move(held));
    }
  }

  std::vector<Stage>& stages() { return stages_; }

  at::Tensor forward(int microbatch, const UserInputs& inputs, Pass pass) {
    Message message;
    StageResult result;
    for (Stage& stage : stages_) {
      const bool is_last = &stage == &stages_.back();
      result = stage.forward(
          microbatch,
          message,
          inputs,
          {1, 0, microbatch},
          pass,
          is_last ? OutputsCallback([&](const ModelOutputs& outputs) {
            return outputs.at("y").square().sum();
          })
                  : OutputsCallback());
      message = result.to_next;
    }
    return result.model_outputs.at("y").detach();
  }

  void backward(int microbatch) {
    Message message;
    for (size_t i = stages_.size(); i-- > 0;) {
      message = stages_[i].backward(microbatch, message);
    }
  }

  void backward_in_halves(int microbatch) {
    Message message;
    for (size_t i = stages_.size(); i-- > 0;) {
      message = stages_[i].backward_input(microbatch, message);
    }
    for (Stage& stage : stages_) {
      stage.backward_weight(microbatch);
    }
  }

  at::Tensor gradient(const std::string& fqn) {
    at::Tensor sum;
    for (Stage& stage : stages_) {
      for (const StageState& state : stage.states()) {
        if (state.fqn == fqn && state.tensor.grad().defined()) {
          sum = sum.defined() ? sum.add(state.tensor.grad())
                              : state.tensor.grad();
        }
      }
    }
    return sum;
  }

 private:
  std::vector<Stage> stages_;
};

/// Three linear layers; the third also reads what the first gives.
constexpr const char* kSkip =
    "input %x: float32[s0=4, 8]\n"
    "parameter a.w = %wa: float32[8, 8] grad\n"
    "parameter b.w = %wb: float32[8, 8] grad\n"
    "parameter c.w = %wc: float32[8, 8] grad\n"
    "%h: float32[s0=4, 8] = aten.linear.default(input=%x, weight=%wa) @ a\n"
    "%i: float32[s0=4, 8] = aten.tanh.default(self=%h) @ a\n"
    "%j: float32[s0=4, 8] = aten.linear.default(input=%i, weight=%wb) @ b\n"
    "%k: float32[s0=4, 8] = aten.relu_.default(self=%j) @ b\n"
    "%l: float32[s0=4, 8] = aten.add.Tensor(self=%k, other=%i) @ c\n"
    "%m: float32[s0=4, 8] = aten.linear.default(input=%l, weight=%wc) @ c\n"
    "output y = %m\n";

/// Weights of kSkip.
inline std::map<std::string, at::Tensor> weights() {
  at::manual_seed(0);
  return {
      {"a.w", at::randn({8, 8})},
      {"b.w", at::randn({8, 8})},
      {"c.w", at::randn({8, 8})}};
}

}  // namespace pp::test
