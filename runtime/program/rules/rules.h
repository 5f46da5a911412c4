#pragma once

// Every rule that the project has, one file per kind of operator.
//
// To add a rule, choose the file of its kind and write two functions there:
//   - the forward returns false, with the stack unchanged, for a call that it
//     doesn't cover; otherwise it calls the operator, puts what the backward
//     needs into `kept` and leaves the results on the stack;
//   - the backward computes from `kept` the gradients that are `wanted`, with
//     the kernels of LibTorch's derivatives.yaml, and gives them.
// Then add a row to the table at the file's end, and a case to
// tests/rules/rule_cases.cpp, which compares the rule with autograd bit by bit.
// arguments.h has what rules share; unary.h has the rules of functions of one
// tensor, where a row is often all that is needed.
// A new kind of operator is a file with a function as below, and its row in
// rules.cpp.

#include <span>
#include <string_view>

#include "runtime/program/rules/rule.h"

namespace pp {

/// Returns the rule of an operator, by name and overload, such as
/// "aten::add.Tensor"; null if autograd differentiates the operator.
const Rule* find_rule(std::string_view name);

/// Returns the tables of rules, one per kind of operator.
std::span<const std::span<const Rule>> all_rules();

std::span<const Rule> activation_rules();
std::span<const Rule> arithmetic_rules();
std::span<const Rule> attention_rules();
std::span<const Rule> conversion_rules();
std::span<const Rule> convolution_rules();
std::span<const Rule> linear_rules();
std::span<const Rule> lookup_rules();
std::span<const Rule> normalization_rules();
std::span<const Rule> reduction_rules();
std::span<const Rule> selection_rules();
std::span<const Rule> shape_rules();
std::span<const Rule> slicing_rules();

}  // namespace pp
