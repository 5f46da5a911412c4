// Compares every rule with LibTorch's autograd, to the bit.

#include "runtime/program/rules/rules.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/rules/against_autograd.h"
#include "tests/rules/rule_cases.h"

namespace pp {
namespace {

using testing::CaseValue;
using testing::graph_of;
using testing::rule_cases;
using testing::RuleCase;

at::Tensor random_tensor(const CaseValue& value, at::ScalarType type) {
  switch (value.role) {
    case CaseValue::Role::Indices:
      return at::randint(9, value.sizes, at::kLong);
    case CaseValue::Role::Mask: {
      at::Tensor mask = at::rand(value.sizes).gt(0.3);
      mask.select(-1, 0).fill_(true);  // no row hides everything
      return mask;
    }
    case CaseValue::Role::Buffer:
      return at::rand(value.sizes, at::kDouble).add(0.5).to(type);
    default:
      return at::randn(value.sizes, at::kDouble).to(type);
  }
}

void expect_autograds_bits(const RuleCase& test, at::ScalarType type) {
  at::manual_seed(3);
  const std::string name = type == at::kFloat ? "float32" : "float64";
  const Program program(graph_of(graph_text(test, name)), {{}, "test"});
  std::vector<at::Tensor> inputs;
  std::vector<at::Tensor> states;
  for (const CaseValue& value : test.values) {
    (value.is_state() ? states : inputs)
        .push_back(
            random_tensor(value, type)
                .set_requires_grad(value.role == CaseValue::Role::Parameter));
  }
  testing::expect_autograds_bits(program, program, inputs, states, 0);
}

class Rules : public ::testing::TestWithParam<RuleCase> {};

TEST_P(Rules, GiveAutogradsBits) {
  expect_autograds_bits(GetParam(), at::kFloat);
  expect_autograds_bits(GetParam(), at::kDouble);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Rules, ::testing::ValuesIn(rule_cases()), [](const auto& test) {
      return test.param.name;
    });

TEST(RuleTable, LeavesOperatorsWithoutARuleToAutograd) {
  EXPECT_EQ(find_rule("aten::cumprod"), nullptr);
  EXPECT_NE(find_rule("aten::add.Tensor"), nullptr);
}

bool is_called(const std::string& operator_name) {
  return std::ranges::any_of(rule_cases(), [&](const RuleCase& test) {
    return test.calls.find("aten." + operator_name + "(") != std::string::npos;
  });
}

TEST(RuleTable, HasACaseForEveryRule) {
  for (const std::span<const Rule> rules : all_rules()) {
    for (const Rule& rule : rules) {
      std::string name = std::string(rule.name).substr(6);
      if (name.find('.') == std::string::npos) {
        name += ".default";
      }
      EXPECT_TRUE(
          is_called(name) || name == "_unsafe_view.default" ||
          name == "to.device" || name == "to.dtype_layout")
          << name;
    }
  }
}

}  // namespace
}  // namespace pp
