#include "runtime/train/optimizer.h"

#include <array>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_zero.h>
#include <ATen/ops/zeros_like.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/train/describe.h"
#include "runtime/train/optimizers.h"
#include "runtime/train/share.h"

namespace pp {
namespace {

struct OptimizerRow {
  const char* name;
  std::unique_ptr<Optimizer> (*make)(
      std::vector<NamedParameter>, std::vector<OptimizerOptions>, double);
};

constexpr std::array<OptimizerRow, 3> kOptimizers = {{
    {"sgd", make_sgd},
    {"adam", make_adam},
    {"adamw", make_adamw},
}};

/// Of a parameter's state, and of what its kernel updates.
at::ScalarType state_type(const at::Tensor& parameter) {
  const at::ScalarType own = parameter.scalar_type();
  return own == at::kBFloat16 || own == at::kHalf ? at::kFloat : own;
}

bool has_master(const at::Tensor& parameter) {
  return state_type(parameter) != parameter.scalar_type();
}

std::string state_name(const std::string& kind, const std::string& fqn) {
  return "optimizer." + kind + "." + fqn;
}

/// Copies a saved tensor. False: there is none of that name.
bool copy_saved(
    const TensorLookup& find, const std::string& name, const at::Tensor& into) {
  const at::Tensor saved = find(name);
  if (!saved.defined()) {
    return false;
  }
  if (saved.sizes() != into.sizes() ||
      saved.scalar_type() != into.scalar_type()) {
    throw input_error(
        "checkpoint: '" + name + "' is " + describe(saved) +
        ", but the parameter needs " + describe(into));
  }
  into.copy_(saved);
  return true;
}

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const OptimizerRow& row : kOptimizers) {
    names.emplace_back(row.name);
  }
  return names;
}

std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerSpec& spec, std::vector<NamedParameter> parameters) {
  std::vector<std::string> fqns;
  for (const NamedParameter& parameter : parameters) {
    fqns.push_back(parameter.fqn);
  }
  std::vector<OptimizerOptions> options = resolve_options(spec, fqns);
  const auto lr = spec.options.find("lr");
  const double base_lr = lr == spec.options.end()
                             ? OptimizerOptions{}.lr
                             : std::get<double>(lr->second);
  for (const OptimizerRow& row : kOptimizers) {
    if (spec.name == row.name) {
      return row.make(std::move(parameters), std::move(options), base_lr);
    }
  }
  check(false, "resolve_options accepts only names of the table");
  return nullptr;
}

Optimizer::Optimizer(
    std::vector<NamedParameter> parameters,
    std::vector<OptimizerOptions> options,
    double base_lr)
    : parameters_(std::move(parameters)),
      options_(std::move(options)),
      states_(parameters_.size()),
      masters_(parameters_.size()),
      base_lr_(base_lr) {
  check(options_.size() == parameters_.size(), "one set of options each");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    check(
        tensor.is_non_overlapping_and_dense(),
        "a parameter's entries lie side by side: " + parameters_[i].fqn);
    bool placed = false;
    for (Batch& batch : batches_) {
      const size_t first = batch.parameters.front();
      if (options_[first] == options_[i] &&
          parameters_[first].tensor.scalar_type() == tensor.scalar_type()) {
        batch.parameters.push_back(i);
        placed = true;
        break;
      }
    }
    if (!placed) {
      batches_.push_back({{i}});
    }
  }
}

void Optimizer::zero_grad(bool in_place) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> kept;
  for (const NamedParameter& parameter : parameters_) {
    at::Tensor& gradient = parameter.tensor.mutable_grad();
    if (in_place && gradient.defined()) {
      kept.push_back(gradient);
    } else {
      gradient = at::Tensor();
    }
  }
  if (!kept.empty()) {
    at::_foreach_zero_(kept);
  }
}

double Optimizer::lr_of(const Batch& batch, double lr) const {
  const double own = options_[batch.parameters.front()].lr;
  return own == base_lr_ ? lr : lr * (own / base_lr_);
}

void Optimizer::step(double lr) {
  const at::NoGradGuard no_grad;
  update(lr);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    if (masters_[i].defined() && tensor.grad().defined()) {
      tensor.copy_(masters_[i]);
    }
  }
}

at::Tensor& Optimizer::target(size_t parameter) {
  at::Tensor& tensor = parameters_[parameter].tensor;
  if (!has_master(tensor)) {
    return tensor;
  }
  at::Tensor& master = masters_[parameter];
  if (!master.defined()) {
    master = tensor.detach().to(state_type(tensor));
  }
  return master;
}

at::Tensor Optimizer::gradient(size_t parameter) const {
  const at::Tensor& tensor = parameters_[parameter].tensor;
  const at::Tensor grad = laid_out_as(tensor.grad(), tensor);
  return grad.defined() ? grad.to(state_type(tensor)) : grad;
}

at::Tensor Optimizer::zeros(size_t parameter) const {
  const at::Tensor& tensor = parameters_[parameter].tensor;
  return at::zeros_like(tensor, tensor.options().dtype(state_type(tensor)));
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> out;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::vector<std::string> names = kinds(i);
    for (size_t k = 0; k < states_[i].size(); ++k) {
      out.emplace(state_name(names[k], parameters_[i].fqn), states_[i][k]);
    }
    if (masters_[i].defined()) {
      out.emplace(state_name("master", parameters_[i].fqn), masters_[i]);
    }
  }
  return out;
}

void Optimizer::load_state(const TensorLookup& find, bool may_be_new) {
  const at::NoGradGuard no_grad;
  bool keeps_any = false;
  bool found_any = false;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    State state = initial_state(i);
    const std::vector<std::string> names = kinds(i);
    std::vector<std::string> missing;
    for (size_t k = 0; k < names.size(); ++k) {
      const std::string name = state_name(names[k], parameters_[i].fqn);
      if (!copy_saved(find, name, state[k])) {
        missing.push_back(name);
      }
    }
    if (!missing.empty() && missing.size() < names.size()) {
      throw input_error(
          "checkpoint: '" + missing.front() +
          "' is missing, though other state of that parameter is there; was "
          "it written with other optimizer options?");
    }
    load_master(i, find);
    if (has_master(parameters_[i].tensor) && !masters_[i].defined() &&
        missing.size() < names.size()) {
      throw input_error(
          "checkpoint: '" + state_name("master", parameters_[i].fqn) +
          "' is missing, though other state of that parameter is there");
    }
    keeps_any = keeps_any || !names.empty();
    found_any = found_any || missing.size() < names.size();
    // None at all: no gradient has reached this parameter yet.
    states_[i] = missing.empty() ? std::move(state) : State{};
  }
  if (keeps_any && !found_any && !may_be_new) {
    throw input_error(
        "checkpoint: no optimizer state such as '" +
        state_name(kinds(0).front(), parameters_.front().fqn) +
        "'; it was written by another optimizer or without training");
  }
}

/// None is saved of a parameter that no gradient has reached.
void Optimizer::load_master(size_t parameter, const TensorLookup& find) {
  const auto& [fqn, tensor] = parameters_[parameter];
  masters_[parameter] = at::Tensor();
  if (!has_master(tensor)) {
    return;
  }
  const at::Tensor master = zeros(parameter);
  if (copy_saved(find, state_name("master", fqn), master)) {
    masters_[parameter] = master;
  }
}

uint64_t Optimizer::state_bytes() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    const uint64_t one = static_cast<uint64_t>(tensor.numel()) *
                         c10::elementSize(state_type(tensor));
    sum += has_master(tensor) ? one : 0;
    for (const std::string& kind : kinds(i)) {
      sum += kind == "step" ? sizeof(float) : one;
    }
  }
  return sum;
}

}  // namespace pp
