// Random operators whose schemas have no generator. They compute what torch's
// do but draw from a key instead of the process's generator.
#include <cmath>
#include <mutex>

#include <ATen/Context.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "loader/core/error.h"
#include "runtime/program/body.h"

namespace pp {

namespace {

using torch::jit::peek;
using torch::jit::Stack;

/// Returns a mask that is 0 where an element is dropped and 1 / (1 - p) where
/// it is kept. For p = 1 it is all zeros.
at::Tensor scaled_mask(
    at::IntArrayRef sizes, double p, const at::Tensor& like, uint64_t seed) {
  const double kept = p < 1 ? 1 / (1 - p) : 0;
  return keep_mask(sizes, p, kept, like.scalar_type(), seed, like.device());
}

void check_probability(const Instruction& instruction, double p) {
  if (!(p >= 0 && p <= 1)) {
    throw runtime_error(
        "node '" + instruction.name + "': dropout probability " +
        std::to_string(p) + " is not in [0, 1]");
  }
}

/// Returns the mask of dropout(x, p, train), dropout_(x, p, train), and their
/// forms that drop whole channels. Undefined if nothing is dropped.
at::Tensor dropout_mask(
    const Instruction& instruction, const Stack& stack, uint64_t seed) {
  const at::Tensor& x = stack[0].toTensor();
  const double p = stack[1].toDouble();
  check_probability(instruction, p);
  if (!stack[2].toBool() || p == 0 || x.numel() == 0) {
    return {};
  }
  const bool by_channel =
      instruction.kind == InstructionKind::FeatureDropout ||
      instruction.kind == InstructionKind::FeatureDropoutInPlace;
  std::vector<int64_t> sizes = x.sizes().vec();
  for (size_t i = 2; by_channel && i < sizes.size(); ++i) {
    sizes[i] = 1;
  }
  return scaled_mask(sizes, p, x, seed);
}

at::Tensor dropout(
    const Instruction& instruction, const Stack& stack, uint64_t seed) {
  const at::Tensor x = stack[0].toTensor();
  const at::Tensor mask = dropout_mask(instruction, stack, seed);
  if (!mask.defined()) {
    return x;
  }
  if (instruction.kind == InstructionKind::DropoutInPlace ||
      instruction.kind == InstructionKind::FeatureDropoutInPlace) {
    x.mul_(mask);
    return x;
  }
  return x.mul(mask);
}

void dropout_backward(const BackwardCall& call) {
  const c10::IValue& mask = call.kept[0];
  call.give(
      0,
      mask.isNone() ? call.gradient() : call.gradient().mul(mask.toTensor()));
}

void native_dropout(Stack& stack, uint64_t seed) {
  const at::Tensor x = stack[0].toTensor();
  const double p = stack[1].toDouble();
  const bool train = stack[2].isNone() || stack[2].toBool();
  stack.clear();
  if (!train || p == 0) {
    stack.emplace_back(x);
    stack.emplace_back(at::ones(x.sizes(), x.options().dtype(at::kBool)));
    return;
  }
  const at::Tensor mask =
      keep_mask(x.sizes(), p, 1, at::kBool, seed, x.device());
  const double kept = p < 1 ? 1 / (1 - p) : 0;
  stack.emplace_back(x.mul(mask.to(x.scalar_type()).mul_(kept)));
  stack.emplace_back(mask);
}

/// Returns what attention adds to its scores, or an undefined tensor.
at::Tensor attention_bias(
    const at::Tensor& query,
    const at::Tensor& key,
    const c10::IValue& mask,
    bool is_causal) {
  const auto minus_infinity = -std::numeric_limits<double>::infinity();
  at::Tensor allowed;
  if (is_causal) {
    allowed =
        at::ones(
            {query.size(-2), key.size(-2)}, query.options().dtype(at::kBool))
            .tril();
  } else if (mask.isNone()) {
    return {};
  } else if (mask.toTensor().scalar_type() != at::kBool) {
    return mask.toTensor();
  } else {
    allowed = mask.toTensor();
  }
  const at::Tensor zero = at::scalar_tensor(0.0, query.options());
  const at::Tensor never = at::scalar_tensor(minus_infinity, query.options());
  return at::where(allowed, zero, never);
}

/// scaled_dot_product_attention(q, k, v, mask, p, causal, *, scale, gqa). For
/// p > 0 it is the plain formula, with a keyed mask on the probabilities.
void attention(const Instruction& instruction, Stack& stack, uint64_t seed) {
  const double p = stack[4].toDouble();
  check_probability(instruction, p);
  if (p == 0) {
    instruction.op->callBoxed(stack);
    return;
  }
  const at::Tensor query = stack[0].toTensor();
  at::Tensor key = stack[1].toTensor();
  at::Tensor value = stack[2].toTensor();
  const bool is_causal = stack[5].toBool();
  const double scale = stack[6].isNone()
                           ? 1 / std::sqrt(static_cast<double>(query.size(-1)))
                           : stack[6].toScalar().toDouble();
  if (stack[7].toBool()) {  // grouped queries share keys and values
    key = key.repeat_interleave(query.size(-3) / key.size(-3), -3);
    value = value.repeat_interleave(query.size(-3) / value.size(-3), -3);
  }
  const at::Tensor bias = attention_bias(query, key, stack[3], is_causal);
  at::Tensor scores = at::matmul(query.mul(scale), key.transpose(-2, -1));
  if (bias.defined()) {
    scores = scores.add(bias);
  }
  at::Tensor weights = at::softmax(scores, -1);
  if (bias.defined()) {
    // A query that attends to nothing gives zeros, as in torch.
    const at::Tensor blind = scores.detach()
                                 .eq(-std::numeric_limits<double>::infinity())
                                 .all(-1, true);
    // Other devices skip the check: reading its result would stall them.
    if (!blind.device().is_cpu() || blind.any().item<bool>()) {
      const at::Tensor zero = at::scalar_tensor(0.0, weights.options());
      weights = at::where(blind, zero, weights);
    }
  }
  const at::Tensor mask = scaled_mask(weights.sizes(), p, weights, seed);
  stack.clear();
  stack.emplace_back(at::matmul(weights.mul(mask), value));
}

}  // namespace

void run_random(const Instruction& instruction, Stack& stack, uint64_t seed) {
  switch (instruction.kind) {
    case InstructionKind::Attention:
      attention(instruction, stack, seed);
      return;
    case InstructionKind::NativeDropout:
      native_dropout(stack, seed);
      return;
    default: {
      at::Tensor result = dropout(instruction, stack, seed);
      stack.clear();
      stack.emplace_back(std::move(result));
      return;
    }
  }
}

const Rule kDropoutRule{"dropout", nullptr, dropout_backward};

void record_dropout(
    const Instruction& instruction, Stack& stack, uint64_t seed, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  const at::Tensor mask = dropout_mask(instruction, stack, seed);
  stack.clear();
  if (mask.defined()) {
    kept.emplace_back(mask);
    stack.emplace_back(x.mul(mask));
  } else {
    kept.emplace_back();
    stack.emplace_back(x);
  }
}

void call_seeded(
    const c10::OperatorHandle& op,
    Stack& stack,
    c10::Device device,
    uint64_t seed) {
  // All ranks of a process share LibTorch's generator.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  at::Generator generator = at::globalContext().defaultGenerator(device);
  {
    const std::lock_guard generator_lock(generator.mutex());
    generator.set_current_seed(seed);
  }
  op.callBoxed(stack);
}

}  // namespace pp
