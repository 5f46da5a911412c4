#include <ATen/ops/embedding.h>
#include <ATen/ops/embedding_dense_backward.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace lookup {
namespace {

/// embedding(weight, indices, padding_idx, scale_grad_by_freq, sparse)
bool embedding(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor& weight = stack[0].toTensor();
  const at::Tensor indices = stack[1].toTensor();
  if (!is_plain(weight) || stack[4].toBool()) {
    return false;
  }
  kept = {indices, weight.size(0), stack[2], stack[3]};
  at::Tensor out = at::embedding(
      weight, indices, stack[2].toInt(), stack[3].toBool(), false);
  return result(stack, std::move(out));
}

void embedding_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  call.give(
      0,
      at::embedding_dense_backward(
          call.gradient(),
          k[0].toTensor(),
          k[1].toInt(),
          k[2].toInt(),
          k[3].toBool()));
}

constexpr Rule kRules[] = {
    {"aten::embedding", embedding, embedding_backward},
};

}  // namespace
}  // namespace lookup

std::span<const Rule> lookup_rules() {
  return lookup::kRules;
}

}  // namespace pp
