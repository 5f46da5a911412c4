// Calls of the operators that a model may call, with random arguments, and the
// backwards of these calls. The kernels belong to LibTorch: where one accesses
// memory that isn't its own, or ends the process, the operator needs a
// precondition (loader/operators), or must be refused (loader/allowed).
//
// An input is the operator's name, a line feed, and bytes that choose the
// arguments. A name that doesn't exist stands for an operator all the same.
#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/ones_like.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include "loader/allowed/allowed_operators.h"
#include "loader/operators/preconditions.h"
#include "tests/fuzz/guarded_memory.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/random_arguments.h"

namespace pp::fuzz {

namespace {

// They compute as long as a number says, which is no fault of theirs.
constexpr std::array<std::string_view, 4> kSlow = {
    "_polynomial_", "polygamma", "mvlgamma", "combinations"};

bool is_slow(std::string_view name) {
  return std::ranges::any_of(kSlow, [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

std::string text_of(const c10::OperatorName& name) {
  return name.overload_name.empty() ? name.name
                                    : name.name + "." + name.overload_name;
}

/// The allowed operators, sorted by name.
const std::vector<c10::OperatorName>& operators() {
  static const std::vector<c10::OperatorName> names = [] {
    const AllowedOperators allowed;
    std::vector<c10::OperatorName> out;
    for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) {
      const bool has_schema =
          c10::Dispatcher::singleton().findSchema(name).has_value();
      if (has_schema && allowed.contains(name.name) && !is_slow(name.name)) {
        out.push_back(name);
      }
    }
    std::ranges::sort(out, {}, text_of);
    return out;
  }();
  return names;
}

const c10::OperatorName& operator_for(std::string_view name) {
  const auto& all = operators();
  const auto found = std::ranges::find(all, name, text_of);
  return found == all.end()
             ? all[std::hash<std::string_view>()(name) % all.size()]
             : *found;
}

/// The differentiable tensors among the results of a call.
std::vector<at::Tensor> differentiable(const torch::jit::Stack& results) {
  std::vector<at::Tensor> out;
  for (const c10::IValue& result : results) {
    if (result.isTensor() && result.toTensor().defined() &&
        result.toTensor().requires_grad()) {
      out.push_back(result.toTensor());
    }
  }
  return out;
}

void call(const c10::OperatorHandle& op, torch::jit::Stack stack) {
  try {
    if (!precondition_fault(op.schema(), stack).empty()) {
      return;
    }
    op.callBoxed(stack);
    if (const auto results = differentiable(stack); !results.empty()) {
      std::vector<at::Tensor> gradients;
      for (const at::Tensor& result : results) {
        gradients.push_back(at::ones_like(result));
      }
      torch::autograd::backward(results, gradients);
    }
  } catch (const std::exception&) {
    // A call that LibTorch refuses.
  }
}

class NoWarnings final : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

void set_up() {
  at::set_num_threads(1);
  static NoWarnings no_warnings;
  c10::WarningUtils::set_warning_handler(&no_warnings);
  guard_tensor_memory();
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp::fuzz;
  [[maybe_unused]] static const bool once = (set_up(), true);
  const std::string_view input = text_of(data, size);
  const size_t end = std::min(input.find('\n'), size);
  Numbers choices(
      data + std::min(end + 1, size), size - std::min(end + 1, size));
  set_guarded_end(
      choices.next<uint8_t>() % 4 == 3 ? GuardedEnd::Begin : GuardedEnd::End);
  at::manual_seed(0);
  const auto op = c10::Dispatcher::singleton().findSchema(
      operator_for(input.substr(0, end)));
  try {
    if (auto arguments = random_arguments(op->schema(), choices)) {
      call(*op, std::move(*arguments));
    }
  } catch (const std::exception&) {
    // No tensor can be made like this.
  }
  return 0;
}
