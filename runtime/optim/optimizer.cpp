#include "runtime/optim/optimizer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_zero.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "loader/core/error.h"
#include "runtime/optim/describe.h"
#include "runtime/optim/optimizer_share.h"
#include "runtime/optim/optimizers.h"

namespace pp {
namespace {

bool has_master(const at::Tensor& parameter) {
  return state_type(parameter) != parameter.scalar_type();
}

std::string state_name(std::string_view state, const std::string& fqn) {
  return "optimizer." + std::string(state) + "." + fqn;
}

/// Whether a tensor of that name is saved.
/// throws  Error(Input): it is, but with another type or other sizes
bool has_saved(
    const TensorLookup& find,
    const std::string& name,
    at::ScalarType type,
    at::IntArrayRef sizes) {
  const at::Tensor saved = find(name);
  if (!saved.defined()) {
    return false;
  }
  if (saved.sizes() != sizes || saved.scalar_type() != type) {
    throw input_error(
        "checkpoint: '" + name + "' is " + describe(saved) +
        ", but the parameter needs " + describe(type, sizes));
  }
  return true;
}

/// Copies a saved tensor. Returns false if there is none of that name.
bool copy_saved(
    const TensorLookup& find, const std::string& name, const at::Tensor& into) {
  const at::Tensor saved = find(name);
  if (saved.defined()) {
    into.copy_(saved);
  }
  return saved.defined();
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(
    const OptimizerConfig& config, std::vector<NamedParameter> parameters) {
  switch (config.kind) {
    case OptimizerKind::Sgd:
      return make_sgd(config, std::move(parameters));
    case OptimizerKind::Adam:
      return make_adam(config, std::move(parameters));
    case OptimizerKind::AdamW:
      return make_adamw(config, std::move(parameters));
    case OptimizerKind::Lion:
      return make_lion(config, std::move(parameters));
    case OptimizerKind::Muon:
      return make_muon(config, std::move(parameters));
  }
  check(false, "an optimizer has no case");
  return nullptr;
}

Optimizer::Optimizer(
    OptimizerConfig config, std::vector<NamedParameter> parameters)
    : config_(std::move(config)),
      parameters_(std::move(parameters)),
      states_(parameters_.size()),
      masters_(parameters_.size()),
      packed_(parameters_.size()),
      averages_(parameters_.size()) {
  for (const NamedParameter& parameter : parameters_) {
    options_.push_back(config_.options_of(parameter.fqn, parameter.aliases));
  }
  std::map<const c10::StorageImpl*, std::vector<size_t>> users;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    users[parameters_[i].tensor.storage().unsafeGetStorageImpl()].push_back(i);
  }
  for (const auto& [storage, indices] : users) {
    for (const size_t i : indices) {
      if (indices.size() > 1) {
        sharing_memory_[i] = indices;
      }
    }
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!entries_are_apart(parameters_[i].tensor)) {
      throw input_error(
          "parameter '" + parameters_[i].fqn +
          "' can't be trained: several of its entries share memory (it was "
          "expanded); export the model with a copy of it (contiguous()), or "
          "freeze it");
    }
    add_to_batch(i);
  }
}

void Optimizer::add_to_batch(size_t parameter) {
  if (!sharing_memory_.contains(parameter)) {
    for (Batch& batch : batches_) {
      const size_t first = batch.parameters.front();
      if (options_[first] == options_[parameter] &&
          !sharing_memory_.contains(first) &&
          parameters_[first].tensor.scalar_type() ==
              parameters_[parameter].tensor.scalar_type()) {
        batch.parameters.push_back(parameter);
        return;
      }
    }
  }
  batches_.push_back({{parameter}});
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
  return own == base_lr() ? lr : lr * (own / base_lr());
}

void Optimizer::step(double lr) {
  const at::NoGradGuard no_grad;
  for (const Batch& batch : batches_) {
    update(batch, lr_of(batch, lr));
    write_back(batch);
  }
  if (config_.ema_decay) {
    update_averages();
  }
}

void Optimizer::write_back(const Batch& batch) {
  for (const size_t i : batch.parameters) {
    const at::Tensor& tensor = parameters_[i].tensor;
    if (!tensor.grad().defined()) {
      continue;
    }
    if (packed_[i].defined()) {
      (has_master(tensor) ? masters_[i] : tensor).copy_(packed_[i]);
      packed_[i] = at::Tensor();
    }
    if (masters_[i].defined()) {
      tensor.copy_(masters_[i]);
    }
  }
}

at::Tensor& Optimizer::target(size_t parameter) {
  at::Tensor& tensor = parameters_[parameter].tensor;
  at::Tensor& whole = has_master(tensor) ? master(parameter) : tensor;
  if (whole.is_non_overlapping_and_dense()) {
    return whole;
  }
  packed_[parameter] = whole.detach().clone();
  return packed_[parameter];
}

at::Tensor& Optimizer::master(size_t parameter) {
  at::Tensor& own = masters_[parameter];
  if (own.defined()) {
    return own;
  }
  const at::Tensor& tensor = parameters_[parameter].tensor;
  const auto sharing = sharing_memory_.find(parameter);
  if (sharing == sharing_memory_.end()) {
    own = tensor.detach().to(state_type(tensor));
    return own;
  }
  const at::Tensor all = at::empty({0}, tensor.options().requires_grad(false))
                             .set_(tensor.storage())
                             .to(state_type(tensor));
  for (const size_t i : sharing->second) {
    const at::Tensor& each = parameters_[i].tensor;
    masters_[i] =
        all.as_strided(each.sizes(), each.strides(), each.storage_offset());
  }
  return own;
}

at::Tensor Optimizer::gradient(size_t parameter) const {
  const at::Tensor& tensor = parameters_[parameter].tensor;
  const at::Tensor grad = laid_out_as(tensor.grad(), tensor);
  return grad.defined() ? grad.to(state_type(tensor)) : grad;
}

at::Tensor Optimizer::real(const at::Tensor& tensor) {
  return tensor.is_complex() ? at::view_as_real(tensor) : tensor;
}

at::Tensor Optimizer::zeros(size_t parameter) const {
  const at::Tensor& tensor = parameters_[parameter].tensor;
  return at::zeros_like(tensor, tensor.options().dtype(state_type(tensor)));
}

Optimizer::State Optimizer::initial_state(size_t parameter) const {
  State state;
  for (const OptimizerState& kept : states(parameter)) {
    const at::TensorOptions like = parameters_[parameter].tensor.options();
    state.push_back(
        kept.is_scalar
            ? at::zeros({}, like.dtype(at::kFloat).requires_grad(false))
            : zeros(parameter));
  }
  return state;
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> out;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::vector<OptimizerState> kept = states(i);
    for (size_t k = 0; k < states_[i].size(); ++k) {
      out.emplace(state_name(kept[k].name, parameters_[i].fqn), states_[i][k]);
    }
    if (masters_[i].defined()) {
      out.emplace(state_name("master", parameters_[i].fqn), masters_[i]);
    }
    if (averages_[i].defined()) {
      out.emplace(state_name("ema", parameters_[i].fqn), averages_[i]);
    }
  }
  return out;
}

void Optimizer::check_state(const TensorLookup& find, bool may_be_new) const {
  bool keeps_any = false;
  bool found_any = false;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    keeps_any = keeps_any || !states(i).empty();
    found_any = check_state_of(i, find) || found_any;
  }
  if (keeps_any && !found_any && !may_be_new) {
    throw input_error(
        "checkpoint: it has no optimizer state such as '" +
        state_name(states(0).front().name, parameters_.front().fqn) +
        "'; it was written by another optimizer or without training");
  }
}

/// Checks the saved state of one parameter. Returns whether there is any.
bool Optimizer::check_state_of(
    size_t parameter, const TensorLookup& find) const {
  const NamedParameter& own = parameters_[parameter];
  const at::ScalarType type = state_type(own.tensor);
  const std::vector<OptimizerState> kept = states(parameter);
  std::vector<std::string> missing;
  for (const OptimizerState& each : kept) {
    const std::string name = state_name(each.name, own.fqn);
    const bool is_saved = each.is_scalar
                              ? has_saved(find, name, at::kFloat, {})
                              : has_saved(find, name, type, own.tensor.sizes());
    if (!is_saved) {
      missing.push_back(name);
    }
  }
  const bool found_any = missing.size() < kept.size();
  if (found_any && !missing.empty()) {
    throw input_error(
        "checkpoint: it lacks '" + missing.front() +
        "', but has other optimizer state of that parameter; was it written "
        "with other optimizer options?");
  }
  if (!missing.empty()) {
    check_orthogonalize(parameter, find);
  }
  const std::string master_name = state_name("master", own.fqn);
  if (has_master(own.tensor) &&
      !has_saved(find, master_name, type, own.tensor.sizes()) && found_any) {
    throw input_error(
        "checkpoint: it lacks '" + master_name +
        "', but has other optimizer state of that parameter");
  }
  if (config_.ema_decay) {
    has_saved(find, state_name("ema", own.fqn), type, own.tensor.sizes());
  }
  return found_any;
}

/// Checks that the saved state isn't that of the other way to update the
/// parameter, which would be lost.
void Optimizer::check_orthogonalize(
    size_t parameter, const TensorLookup& find) const {
  OptimizerOptions other = options(parameter);
  other.orthogonalize = !other.orthogonalize;
  const std::string& fqn = parameters_[parameter].fqn;
  const std::string own = state_name(states(parameter).front().name, fqn);
  for (const OptimizerState& each : config_.states(other, form(parameter))) {
    const std::string name = state_name(each.name, fqn);
    if (find(name).defined()) {
      throw input_error(
          "checkpoint: it has '" + name + "' instead of '" + own +
          "'; orthogonalize must have the value with which it was written");
    }
  }
}

void Optimizer::load_state(const TensorLookup& find, bool may_be_new) {
  check_state(find, may_be_new);
  const at::NoGradGuard no_grad;
  std::ranges::fill(masters_, at::Tensor());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    State state = initial_state(i);
    const std::vector<OptimizerState> kept = states(i);
    bool has_all = true;
    for (size_t k = 0; k < kept.size(); ++k) {
      const std::string name = state_name(kept[k].name, parameters_[i].fqn);
      has_all = copy_saved(find, name, state[k]) && has_all;
    }
    load_master(i, find);
    load_average(i, find);
    // If all are missing, no gradient has reached this parameter yet.
    states_[i] = has_all ? std::move(state) : State{};
  }
}

// A parameter that no gradient has reached has no master in the checkpoint.
void Optimizer::load_master(size_t parameter, const TensorLookup& find) {
  const NamedParameter& own = parameters_[parameter];
  const std::string name = state_name("master", own.fqn);
  if (has_master(own.tensor) && find(name).defined()) {
    copy_saved(find, name, master(parameter));
  }
}

// A run that begins to keep averages starts them at its first update.
void Optimizer::load_average(size_t parameter, const TensorLookup& find) {
  averages_[parameter] = at::Tensor();
  if (!config_.ema_decay) {
    return;
  }
  const NamedParameter& own = parameters_[parameter];
  const std::string name = state_name("ema", own.fqn);
  if (has_saved(find, name, state_type(own.tensor), own.tensor.sizes())) {
    averages_[parameter] = zeros(parameter);
    copy_saved(find, name, averages_[parameter]);
  }
}

uint64_t Optimizer::state_bytes() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    const uint64_t one = static_cast<uint64_t>(tensor.numel()) *
                         c10::elementSize(state_type(tensor));
    sum += has_master(tensor) ? one : 0;
    sum += config_.ema_decay ? one : 0;
    for (const OptimizerState& state : states(i)) {
      sum += state.is_scalar ? sizeof(float) : one;
    }
  }
  return sum;
}

}  // namespace pp
