// Matrix products.
#include <ATen/ops/addmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace linear {
namespace {

bool is_column_major(const at::Tensor& matrix) {
  return matrix.stride(0) == 1 && matrix.stride(1) == matrix.size(0);
}

// Gradients of a and b for mm(a, b), each in the memory layout of its factor.
// `g` is the gradient of the product.
void give_left(
    const BackwardCall& call,
    size_t position,
    const at::Tensor& g,
    const at::Tensor& b,
    bool column_major) {
  if (column_major) {
    call.give(position, b.mm(g.t()).t());
  } else {
    call.give_product(position, g, b.t());
  }
}
void give_right(
    const BackwardCall& call,
    size_t position,
    const at::Tensor& g,
    const at::Tensor& a,
    bool column_major) {
  if (column_major) {
    call.give(position, g.t().mm(a).t());
  } else {
    call.give_product(position, a.t(), g);
  }
}

at::Tensor as_matrix(const at::Tensor& x) {
  return x.dim() == 2 ? x : x.reshape({-1, x.size(-1)});
}

/// linear(x, weight, bias) where LibTorch multiplies x as one matrix.
bool linear(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  const at::Tensor weight = stack[1].toTensor();
  const at::Tensor bias = optional_tensor(stack[2]);
  if (!is_plain(x) || !is_plain(weight) || !same_type(x, weight) ||
      weight.dim() != 2 || x.dim() < 2 || !x.is_contiguous() ||
      x.numel() == 0 ||
      (bias.defined() && (bias.dim() > 1 || !same_type(x, bias)))) {
    return false;
  }
  at::Tensor out = at::linear(x, weight, bias);
  kept = {
      kept_if(wanted[1] != 0, x),
      weight,
      sizes_of(x),
      bias.defined() ? sizes_of(bias) : c10::IValue()};
  return result(stack, std::move(out));
}

void linear_backward(const BackwardCall& call) {
  const Kept& kept = call.kept;
  const at::Tensor& weight = kept[1].toTensor();
  const at::Tensor g = as_matrix(call.gradient());
  if (call.wanted[2]) {
    call.give(2, at::sum_to(g, to_sizes(kept[3])));
  }
  if (call.wanted[0]) {
    const std::vector<int64_t> sizes = to_sizes(kept[2]);
    const at::Tensor gx = g.mm(weight);
    call.give(0, sizes.size() == 2 ? gx : gx.view(sizes));
  }
  if (call.wanted[1]) {
    const at::Tensor x = as_matrix(kept[0].toTensor());
    // LibTorch multiplies by weight.t(), and transposes the gradient of that.
    if (is_column_major(weight.t())) {
      call.give_product(1, g.t(), x);
    } else {
      call.give(1, x.t().mm(g).t());
    }
  }
}

bool are_factors(const at::Tensor& a, const at::Tensor& b, int64_t dims) {
  return is_plain(a) && is_plain(b) && same_type(a, b) && a.dim() == dims &&
         b.dim() == dims;
}

/// Keeps each factor if the gradient of the other is wanted, and whether they
/// are column-major.
Kept kept_factors(const at::Tensor& a, const at::Tensor& b, Wanted wanted) {
  return {
      kept_if(wanted[1] != 0, a),
      kept_if(wanted[0] != 0, b),
      a.dim() == 2 && is_column_major(a),
      b.dim() == 2 && is_column_major(b)};
}

template <
    int64_t kDims,
    at::Tensor (*kProduct)(const at::Tensor&, const at::Tensor&)>
bool product(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor a = stack[0].toTensor();
  const at::Tensor b = stack[1].toTensor();
  if (!are_factors(a, b, kDims)) {
    return false;
  }
  kept = kept_factors(a, b, wanted);
  return result(stack, kProduct(a, b));
}

/// Gives the gradients of the matrices at positions `first` and `first` + 1.
void give_factors(const BackwardCall& call, size_t first) {
  const Kept& k = call.kept;
  const at::Tensor& g = call.gradient();
  if (call.wanted[first]) {
    give_left(call, first, g, k[1].toTensor(), k[2].toBool());
  }
  if (call.wanted[first + 1]) {
    give_right(call, first + 1, g, k[0].toTensor(), k[3].toBool());
  }
}
void mm_backward(const BackwardCall& call) {
  give_factors(call, 0);
}

/// addmm(sum, a, b, beta, alpha) where beta and alpha are 1.
bool addmm(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor& sum = stack[0].toTensor();
  const at::Tensor& a = stack[1].toTensor();
  const at::Tensor& b = stack[2].toTensor();
  if (!are_factors(a, b, 2) || !is_plain(sum) || !same_type(sum, a) ||
      !stack[3].toScalar().equal(1.0) || !stack[4].toScalar().equal(1.0)) {
    return false;
  }
  at::Tensor out = at::addmm(sum, a, b);
  kept = kept_factors(a, b, wanted.subspan(1));
  kept.push_back(sizes_if_broadcast(sum, out));
  return result(stack, std::move(out));
}
void addmm_backward(const BackwardCall& call) {
  if (call.wanted[0]) {
    call.give(0, reduced(call.gradient(), call.kept[4]));
  }
  give_factors(call, 1);
}

void bmm_backward(const BackwardCall& call) {
  if (call.wanted[0]) {
    call.give(0, call.gradient().bmm(call.kept[1].toTensor().transpose(1, 2)));
  }
  if (call.wanted[1]) {
    call.give(1, call.kept[0].toTensor().transpose(1, 2).bmm(call.gradient()));
  }
}

constexpr Rule kRules[] = {
    {"aten::linear", linear, linear_backward},
    {"aten::mm", product<2, at::mm>, mm_backward},
    {"aten::addmm", addmm, addmm_backward},
    {"aten::bmm", product<3, at::bmm>, bmm_backward},
};

}  // namespace
}  // namespace linear

std::span<const Rule> linear_rules() {
  return linear::kRules;
}

}  // namespace pp
