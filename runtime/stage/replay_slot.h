#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "runtime/device/plugin.h"
#include "runtime/stage/program_run.h"

namespace pp {

/// How the backward of a microbatch was called when it last ran normally.
struct ObservedBackward {
  bool is_complete = false;  ///< whether the backward ran to its end
  bool in_halves = false;
  /// Gradients of the outputs, as meta tensors; undefined: none.
  std::vector<at::Tensor> seeds;
};

/// Returns the addresses of states and of their gradients.
std::vector<const void*> addresses_of(std::span<const at::Tensor> states);

/// Returns the sizes of the tensors and the values of the numbers in `inputs`.
/// A captured graph can be replayed only for inputs with the same result.
std::vector<int64_t> sizes_of(const std::vector<c10::IValue>& inputs);

/// Returns a tensor with the type and sizes of `like`, in new memory on
/// `device`.
at::Tensor empty_on(const at::Tensor& like, c10::Device device);

/// A captured forward and, if it is trained, its backward: inputs at fixed
/// addresses, the graphs, and the memory in between. A slot serves one
/// microbatch at a time.
class ReplaySlot {
 public:
  /// Runs the program on these inputs.
  using Work = std::function<ProgramRun(std::vector<c10::IValue> inputs)>;

  /// inputs         examples of the inputs: the slot fits inputs of the same
  ///                kinds and sizes
  /// requires_grad  for each input, whether its gradient is wanted
  /// states         the states that the work reads, writes, and adds gradients
  ///                to
  ReplaySlot(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states);

  /// Captures the forward and the backward at once. If one of them can't be
  /// captured, the slot must not be used.
  ///
  /// observed  how the backward to capture is called; null: there is no
  ///           backward
  /// throws    what the work or the device throws
  void capture(
      std::unique_ptr<GraphMemory> memory,
      const ObservedBackward* observed,
      const Work& work);

  bool is_taken() const { return is_taken_; }
  void set_taken(bool taken) { is_taken_ = taken; }
  /// Whether states and gradients are at the addresses that they had at
  /// capture.
  bool has_addresses(std::span<const void* const> addresses) const;
  /// Whether the slot is free and can run these inputs with a backward that is
  /// called as observed.
  bool fits(
      const std::vector<c10::IValue>& inputs,
      std::span<const uint8_t> requires_grad,
      const ObservedBackward* observed) const;

  /// Replays the forward. The results are copies, which the next replay doesn't
  /// overwrite.
  ProgramRun forward(const std::vector<c10::IValue>& inputs) const;

  /// Whether a gradient arrived for this output when the backward was captured.
  bool has_seed(size_t output) const;
  /// Replays the whole backward or, if in_halves(), its input half.
  ///
  /// seeds  the gradient of each output; undefined: zero
  void backward(const std::vector<at::Tensor>& seeds) const;
  bool in_halves() const { return weights_graph_ != nullptr; }
  void backward_weights() const { weights_graph_->replay(); }
  /// Returns a copy of an input's gradient; undefined if it has none.
  at::Tensor input_gradient(size_t input) const;

 private:
  void capture_backward(const ObservedBackward& observed, BackwardPass& back);
  bool fits_backward(const ObservedBackward& observed) const;

  bool is_taken_ = false;
  std::vector<c10::IValue> inputs_;
  std::vector<uint8_t> input_requires_grad_;
  /// Addresses of states and gradients at capture.
  std::vector<const void*> addresses_;
  ProgramResult result_;
  /// Whether each output requires a gradient.
  std::vector<uint8_t> requires_grad_;
  std::vector<at::Tensor> seeds_;  ///< gradient of each output; undefined: none
  /// Gradient of each input; undefined: none.
  std::vector<at::Tensor> input_gradients_;

  std::unique_ptr<GraphMemory> memory_;
  std::unique_ptr<DeviceGraph> forward_graph_;
  /// The whole backward, or its input half.
  std::unique_ptr<DeviceGraph> backward_graph_;
  /// The weight half; null without halves.
  std::unique_ptr<DeviceGraph> weights_graph_;
};

/// Returns a backward that is replayed from `slot`. The slot serves no other
/// microbatch as long as the backward lives.
std::unique_ptr<BackwardPass> replayed_backward(
    std::shared_ptr<ReplaySlot> slot);

}  // namespace pp
