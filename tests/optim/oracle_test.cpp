// Compares bits with Python torch; oracle.py describes the files.

#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include "loader/archive/safetensors.h"
#include "runtime/optim/class_counts.h"
#include "runtime/optim/grad_norm.h"
#include "runtime/optim/loss.h"
#include "runtime/optim/lr_schedule.h"
#include "runtime/optim/optimizer.h"
#include "tests/support/paths.h"
#include "tests/support/tensors.h"

namespace pp {
namespace {

using Json = nlohmann::json;

SafetensorsReader open_oracle(const std::string& name) {
  return SafetensorsReader(
      test::fixture_folder() / "optim" / (name + ".safetensors"));
}

void set_options(const Json& json, OptimizerOptions& options) {
  for (const auto& [name, value] : json.items()) {
    const OptimizerOption* option = try_find_optimizer_option(name);
    ASSERT_NE(option, nullptr) << name;
    std::visit(
        [&options, &value = value](auto member) {
          using Value = std::remove_cvref_t<decltype(options.*member)>;
          if constexpr (NamedEnum<Value>) {
            options.*member =
                try_parse_enum<Value>(value.template get<std::string>())
                    .value();
          } else {
            value.get_to(options.*member);
          }
        },
        option->member);
  }
}

OptimizerConfig config_of(const SafetensorsReader& file) {
  const Json json = Json::parse(file.metadata().at("spec"));
  OptimizerConfig config;
  config.kind =
      try_parse_enum<OptimizerKind>(json["name"].get<std::string>()).value();
  config.options = optimizer_row(config.kind).defaults;
  set_options(json["options"], config.options);
  for (const Json& group : json["groups"]) {
    config.groups.push_back(
        {group["match"].get<std::string>(), config.options});
    set_options(group["options"], config.groups.back().options);
  }
  return config;
}

/// Tensors of four dimensions are channels-last, as in oracle.py.
at::Tensor in_layout(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast)
                           : tensor;
}

class OptimizerOracle : public testing::TestWithParam<const char*> {
 protected:
  OptimizerOracle()
      : file_(open_oracle(std::string("optimizer_") + GetParam())) {
    at::set_num_threads(1);
  }

  /// The tensors whose names begin with `prefix`, keyed by the rest of the
  /// name.
  std::map<std::string, at::Tensor> with_prefix(const std::string& prefix) {
    std::map<std::string, at::Tensor> out;
    for (const auto& [name, view] : file_.tensors()) {
      if (name.starts_with(prefix)) {
        out[name.substr(prefix.size())] = copy_of(view);
      }
    }
    return out;
  }

  void start(int after_steps) {
    std::vector<NamedParameter> parameters;
    for (auto& [fqn, tensor] :
         with_prefix("p." + std::to_string(after_steps) + ".")) {
      parameters.push_back({fqn, in_layout(tensor).requires_grad_()});
    }
    ASSERT_FALSE(parameters.empty());
    optimizer_ = make_optimizer(config_of(file_), parameters);
  }

  void run_step(int step) {
    optimizer_->zero_grad();
    auto gradients = with_prefix("g." + std::to_string(step) + ".");
    for (const NamedParameter& parameter : optimizer_->parameters()) {
      if (gradients.count(parameter.fqn) > 0) {
        parameter.tensor.mutable_grad() = in_layout(gradients[parameter.fqn]);
      }
    }
    const at::Tensor lr = copy_of(file_.find("lr"));
    optimizer_->step(lr.const_data_ptr<double>()[step - 1]);
    const auto expected = with_prefix("p." + std::to_string(step) + ".");
    for (const NamedParameter& parameter : optimizer_->parameters()) {
      EXPECT_TRUE(at::equal(parameter.tensor, expected.at(parameter.fqn)))
          << parameter.fqn << " after step " << step;
    }
  }

  void expect_final_state() {
    std::map<std::string, at::Tensor> state = optimizer_->state();
    auto expected = with_prefix("optimizer.");
    EXPECT_EQ(state.size(), expected.size());
    for (const auto& [name, tensor] : expected) {
      const at::Tensor own = state["optimizer." + name];
      ASSERT_TRUE(own.defined()) << name;
      EXPECT_TRUE(at::equal(own, tensor)) << name;
    }
  }

  SafetensorsReader file_;
  std::unique_ptr<Optimizer> optimizer_;
};

constexpr int kSteps = 4;

TEST_P(OptimizerOracle, GivesTheBitsOfTorch) {
  start(0);
  for (int step = 1; step <= kSteps; ++step) {
    run_step(step);
  }
  expect_final_state();
}

TEST_P(OptimizerOracle, ContinuesFromSavedStateWithTheSameBits) {
  start(0);
  run_step(1);
  run_step(2);
  std::map<std::string, at::Tensor> saved;
  for (const auto& [name, tensor] : optimizer_->state()) {
    saved[name] = tensor.clone(at::MemoryFormat::Contiguous);
  }
  start(2);
  optimizer_->load_state([&](const std::string& name) {
    return saved.count(name) > 0 ? saved[name] : at::Tensor();
  });
  run_step(3);
  run_step(4);
  expect_final_state();
}

INSTANTIATE_TEST_SUITE_P(
    All,
    OptimizerOracle,
    testing::Values(
        "sgd",
        "sgd_decay",
        "sgd_momentum",
        "sgd_dampening",
        "sgd_nesterov",
        "adam",
        "adam_options",
        "adam_amsgrad",
        "adamw",
        "adamw_amsgrad",
        "adamw_groups",
        "adamw_late_gradient",
        "adamw_double",
        "sgd_complex",
        "sgd_nesterov_complex",
        "adam_amsgrad_complex",
        "adamw_complex",
        "adamw_complex_double",
        "lion",
        "lion_options",
        "lion_late_gradient",
        "lion_complex",
        "muon",
        "muon_options",
        "muon_groups",
        "muon_late_gradient",
        "muon_double"),
    [](const auto& param) { return std::string(param.param); });

ClassLossOptions class_loss_options(
    const SafetensorsReader& file, const std::string& name) {
  const auto optional = [&](const char* part) {
    const auto found = file.tensors().find(name + part);
    return found == file.tensors().end() ? at::Tensor()
                                         : copy_of(found->second);
  };
  const at::Tensor smoothing = optional(".smoothing");
  return {
      smoothing.defined() ? smoothing.item<double>() : 0, optional(".weights")};
}

TEST(LossOracle, GivesTheBitsOfTorch) {
  at::set_num_threads(1);
  const SafetensorsReader file = open_oracle("losses");
  ASSERT_GE(file.metadata().size(), 24U);
  for (const auto& [name, loss_name] : file.metadata()) {
    SCOPED_TRACE(name);
    const std::string& prefix = name;
    const at::Tensor output =
        copy_of(file.find(prefix + ".output")).requires_grad_();
    const at::Tensor loss =
        make_loss(
            try_parse_enum<LossKind>(loss_name).value(),
            class_loss_options(file, name))
            ->compute(output, copy_of(file.find(prefix + ".target")));
    EXPECT_TRUE(at::equal(loss, copy_of(file.find(prefix + ".loss"))));
    loss.backward();
    EXPECT_TRUE(at::equal(output.grad(), copy_of(file.find(prefix + ".grad"))));
  }
}

LrSchedule schedule_of(const Json& json) {
  LrSchedule schedule;
  schedule.shape =
      try_parse_enum<LrShape>(json.at("name").get<std::string>()).value();
  schedule.warmup = json.value("warmup", schedule.warmup);
  schedule.min_lr = json.value("min_lr", schedule.min_lr);
  schedule.pct_start = json.value("pct_start", schedule.pct_start);
  schedule.div_factor = json.value("div_factor", schedule.div_factor);
  schedule.final_div_factor =
      json.value("final_div_factor", schedule.final_div_factor);
  if (json.contains("decay")) {
    schedule.decay = json["decay"].get<int64_t>();
  }
  if (json.contains("anneal")) {
    schedule.anneal =
        try_parse_enum<LrAnneal>(json["anneal"].get<std::string>());
  }
  return schedule;
}

TEST(RateOracle, AgreesWithTorchInEveryStep) {
  constexpr double kLr = 0.3;
  const SafetensorsReader file = open_oracle("rates");
  const Json specs = Json::parse(file.metadata().at("specs"));
  ASSERT_EQ(specs.size(), 14U);
  for (const auto& [name, spec] : specs.items()) {
    SCOPED_TRACE(name);
    const LrSchedule schedule = schedule_of(spec);
    const at::Tensor expected = copy_of(file.find(name));
    const auto* rates = expected.const_data_ptr<double>();
    check_lr_schedule(schedule, kLr, expected.numel());
    for (int64_t step = 0; step < expected.numel(); ++step) {
      const double rate = learning_rate(schedule, kLr, expected.numel(), step);
      // OneCycleLR is computed in torch's order of operations.
      const double rounding =
          schedule.shape == LrShape::OneCycle ? 0 : 4e-16 * kLr;
      EXPECT_NEAR(rate, rates[step], rounding) << "step " << step;
    }
  }
}

TEST(MetricOracle, AgreesWithScikitLearnHoweverRowsAreDivided) {
  const SafetensorsReader file = open_oracle("metrics");
  ASSERT_EQ(file.metadata().size(), 4U);
  for (const auto& [name, loss_name] : file.metadata()) {
    SCOPED_TRACE(name);
    const std::string& prefix = name;
    const LossKind loss = try_parse_enum<LossKind>(loss_name).value();
    const at::Tensor output = copy_of(file.find(prefix + ".output"));
    const at::Tensor target = copy_of(file.find(prefix + ".target"));
    const at::Tensor expected = copy_of(file.find(prefix + ".values"));
    const auto* values = expected.const_data_ptr<double>();
    at::Tensor sum = at::zeros({kNumClassCounts}, at::kDouble);
    for (int64_t row = 0; row < output.size(0); ++row) {
      sum += count_classes(
          loss, output.narrow(0, row, 1), target.narrow(0, row, 1));
    }
    for (const at::Tensor& counts :
         {sum, count_classes(loss, output, target)}) {
      const ClassCounts all = to_class_counts(counts);
      EXPECT_EQ(value_of(EvalMetric::Accuracy, all), values[0]);
      EXPECT_EQ(value_of(EvalMetric::AccuracyTop5, all), values[1]);
      EXPECT_NEAR(
          value_of(EvalMetric::Perplexity, all), values[2], 1e-6 * values[2]);
    }
  }
}

TEST(ClipOracle, AgreesWithTorch) {
  const SafetensorsReader file = open_oracle("clip");
  std::vector<double> squares;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> expected;
  for (const auto& [name, view] : file.tensors()) {
    if (name.starts_with("g.")) {
      gradients.push_back(copy_of(view));
      squares.push_back(sum_of_squares(gradients.back()));
      expected.push_back(copy_of(file.find("clipped." + name.substr(2))));
    }
  }
  ASSERT_EQ(gradients.size(), 6U);
  const double norm = total_norm(squares);
  const double torch_norm = copy_of(file.find("norm")).item<double>();
  EXPECT_NEAR(norm, torch_norm, 1e-6 * torch_norm);
  const double max_norm = copy_of(file.find("max_norm")).item<double>();
  scale_gradients(gradients, clip_coefficient(norm, max_norm));
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(at::allclose(gradients[i], expected[i], 1e-6, 0));
  }
}

}  // namespace
}  // namespace pp
