#include "runtime/program/library_operators.h"

#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/unbind.h>
#include <ATen/ops/zeros.h>

#include "loader/core/error.h"

namespace pp {

namespace {

using torch::jit::Stack;

/// Returns the number of rows of each expert, and last the number of rows that
/// belong to none.
std::vector<int64_t> group_sizes(const at::Tensor& offs, int64_t num_rows) {
  const at::Tensor ends = offs.to(at::kCPU, at::kLong).contiguous();
  std::vector<int64_t> sizes;
  int64_t start = 0;
  for (int64_t i = 0; i < ends.numel(); ++i) {
    const int64_t end = ends.const_data_ptr<int64_t>()[i];
    if (end < start || end > num_rows) {
      throw runtime_error(
          "group " + std::to_string(i) + " ends at row " + std::to_string(end) +
          ", which is not in [" + std::to_string(start) + ", " +
          std::to_string(num_rows) + "]");
    }
    sizes.push_back(end - start);
    start = end;
  }
  sizes.push_back(num_rows - start);
  return sizes;
}

void grouped_mm(Stack& stack) {
  const at::Tensor offs = torch::jit::pop(stack).toTensor();
  const at::Tensor weight = torch::jit::pop(stack).toTensor();
  const at::Tensor input = torch::jit::pop(stack).toTensor();
  const std::vector<int64_t> sizes = group_sizes(offs, input.size(0));
  const std::vector<at::Tensor> rows = input.split_with_sizes(sizes);
  const std::vector<at::Tensor> experts = weight.unbind(0);
  check(
      rows.size() == experts.size() + 1,
      "each expert must have an end of rows");
  std::vector<at::Tensor> products;
  for (size_t i = 0; i < experts.size(); ++i) {
    if (sizes[i] > 0) {
      products.push_back(at::mm(rows[i], experts[i]));
    }
  }
  if (sizes.back() > 0 || products.empty()) {
    products.push_back(
        at::zeros({sizes.back(), weight.size(2)}, input.options()));
  }
  stack.emplace_back(at::cat(products));
}

}  // namespace

BuiltinFunction library_function(std::string_view target) {
  return target == "transformers.grouped_mm_fallback.default" ? grouped_mm
                                                              : nullptr;
}

}  // namespace pp
