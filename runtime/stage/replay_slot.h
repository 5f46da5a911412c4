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
  bool is_complete = false;  ///< it was run to its end
  bool in_halves = false;
  std::vector<at::Tensor> seeds;  ///< gradients of outputs, as meta tensors
};

/// The addresses of states and of their gradients.
std::vector<const void*> addresses_of(std::span<const at::Tensor> states);

/// The sizes of tensors, and the numbers, that a captured graph is made for.
std::vector<int64_t> sizes_of(const std::vector<c10::IValue>& inputs);

/// A tensor of the same kind and size in new memory.
at::Tensor empty_on(const at::Tensor& like, c10::Device device);

/// A captured forward, with its backward if it is trained: inputs at fixed
/// addresses, the graphs, and the memory between them. It serves one microbatch
/// at a time.
class ReplaySlot {
 public:
  /// Runs the program on these inputs.
  using Work = std::function<ProgramRun(std::vector<c10::IValue> inputs)>;

  /// inputs         the slot will fit inputs of these kinds and sizes
  /// requires_grad  by input
  /// states         what the work reads, writes, and adds gradients to
  ReplaySlot(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states);

  /// Captures all passes at once, before anything depends on them. If one can't
  /// be captured, the slot has no effect.
  ///
  /// observed  the backward to capture; null: none
  /// throws    what the work or the device throws
  void capture(
      std::unique_ptr<GraphMemory> memory,
      const ObservedBackward* observed,
      const Work& work);

  bool is_taken() const { return is_taken_; }
  void set_taken(bool taken) { is_taken_ = taken; }
  /// Whether states and gradients are where they were at capture.
  bool has_addresses(std::span<const void* const> addresses) const;
  /// Whether the slot is free and can run these inputs.
  bool fits(
      const std::vector<c10::IValue>& inputs,
      std::span<const uint8_t> requires_grad,
      const ObservedBackward* observed) const;

  /// Replays the forward. Results are copies, which the next replay doesn't
  /// overwrite.
  ProgramRun forward(const std::vector<c10::IValue>& inputs) const;

  /// Whether a gradient arrived for this output when the backward was captured.
  bool has_seed(size_t output) const;
  /// Replays the backward or its input half.
  ///
  /// seeds  by output; undefined: zero
  void backward(const std::vector<at::Tensor>& seeds) const;
  bool in_halves() const { return weights_graph_ != nullptr; }
  void backward_weights() const { weights_graph_->replay(); }
  /// A copy of an input's gradient; undefined where there is none.
  at::Tensor input_gradient(size_t input) const;

 private:
  void capture_backward(const ObservedBackward& observed, BackwardPass& back);
  bool fits_backward(const ObservedBackward& observed) const;

  bool is_taken_ = false;
  std::vector<c10::IValue> inputs_;
  std::vector<uint8_t> input_requires_grad_;
  std::vector<const void*> addresses_;  ///< of states and gradients
  ProgramResult result_;
  std::vector<uint8_t> requires_grad_;       ///< by output
  std::vector<at::Tensor> seeds_;            ///< by output; undefined: none
  std::vector<at::Tensor> input_gradients_;  ///< by input; undefined: none

  std::unique_ptr<GraphMemory> memory_;
  std::unique_ptr<DeviceGraph> forward_graph_;
  std::unique_ptr<DeviceGraph> backward_graph_;  ///< whole, or its input half
  std::unique_ptr<DeviceGraph> weights_graph_;   ///< its weight half, if any
};

/// A backward that is replayed from a slot. It holds the slot as long as it
/// lives.
std::unique_ptr<BackwardPass> replayed_backward(
    std::shared_ptr<ReplaySlot> slot);

}  // namespace pp
