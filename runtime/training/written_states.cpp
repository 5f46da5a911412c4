#include "runtime/training/written_states.h"

#include <cmath>

#include <ATen/ops/cat.h>
#include <ATen/ops/view_as_real.h>
#include <c10/core/GradMode.h>

#include "runtime/optim/grad_norm.h"

namespace pp {

namespace {

/// The numbers that may be NaN; undefined for integers.
at::Tensor real_numbers(const at::Tensor& state) {
  const at::Tensor tensor = state.detach();
  if (tensor.is_complex()) {
    return at::view_as_real(tensor);
  }
  return tensor.is_floating_point() ? tensor : at::Tensor();
}

/// Whether each tensor holds NaN. Squares of infinities add up to infinity, so
/// a sum of squares is NaN only if an entry is.
std::vector<bool> have_nan(const std::vector<at::Tensor>& tensors) {
  std::vector<bool> found;
  for (const double sum : sums_of_squares(tensors)) {
    found.push_back(std::isnan(sum));
  }
  return found;
}

/// Whether tensors on a device hold NaN at all. One sum over all of them costs
/// a fraction of one sum each.
bool any_has_nan(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) {
    if (tensor.defined()) {
      flat.push_back(tensor.reshape({-1}).to(at::kFloat));
    }
  }
  return !flat.empty() && have_nan({at::cat(flat)}).front();
}

}  // namespace

WrittenStates::WrittenStates(std::map<int, Stage>& stages, bool restores)
    : stages_(stages), restores_(restores) {
  for (auto& [number, stage] : stages) {
    for (const size_t index : stage.written_states()) {
      entries_.push_back({&stage, index});
    }
  }
}

void WrittenStates::begin_step() {
  const c10::AutoGradMode no_grad(false);
  if (!begun_) {
    look_for_nan();
    begun_ = true;
  }
  for (Entry& entry : entries_) {
    entry.had_nan = entry.has_nan;
  }
  if (restores_) {
    before_.emplace(stages_);
  }
}

void WrittenStates::look_for_nan() {
  std::vector<at::Tensor> tensors;
  bool on_device = false;
  for (const Entry& entry : entries_) {
    tensors.push_back(real_numbers(state_of(entry).tensor));
    on_device = on_device || !state_of(entry).tensor.device().is_cpu();
  }
  std::vector<bool> found(entries_.size(), false);
  if (!on_device || any_has_nan(tensors)) {
    found = have_nan(tensors);
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].has_nan = found[i];
  }
}

std::vector<std::string> WrittenStates::poisoned() {
  const c10::AutoGradMode no_grad(false);
  look_for_nan();
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.has_nan && !entry.had_nan) {
      names.push_back(state_of(entry).fqn);
    }
  }
  return names;
}

void WrittenStates::restore() {
  before_->restore();
  for (Entry& entry : entries_) {
    entry.has_nan = entry.had_nan;
  }
}

}  // namespace pp
