#pragma once

#include <span>
#include <string_view>

#include "runtime/autodiff/rule.h"

namespace pp {

/// The rule of an operator by its name and overload, "aten::add.Tensor", or
/// null: then autograd differentiates it.
const Rule* find_rule(std::string_view name);

// The rules by kind, one file each.
std::span<const Rule> attention_rules();
std::span<const Rule> convolution_rules();
std::span<const Rule> linear_rules();
std::span<const Rule> lookup_rules();
std::span<const Rule> normalization_rules();
std::span<const Rule> pointwise_rules();
std::span<const Rule> reduction_rules();
std::span<const Rule> shape_rules();

}  // namespace pp
