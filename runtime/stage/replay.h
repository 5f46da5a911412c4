#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"
#include "runtime/stage/program_run.h"
#include "runtime/stage/replay_slot.h"

namespace pp {

/// Captures the passes of one program on a device, and replays them instead of
/// launching each operator again.
///
/// A slot holds what one microbatch in flight needs. A microbatch uses a free
/// slot; if there is none, a new slot is captured. Inputs are copied into the
/// slot and results are copied out, so the surrounding code and other stages
/// see no difference.
///
/// The first pass of a microbatch runs normally: libraries initialise
/// themselves, gradients get their memory, and Replay observes how the backward
/// is called. After that, states and gradients must stay at their addresses.
/// Only one thread at a time may use the object.
class Replay {
 public:
  using Work = ReplaySlot::Work;
  using NewMemory = std::function<std::unique_ptr<GraphMemory>()>;
  /// Called with a text that says what is not replayed, and why: "runs without
  /// CUDA graphs: ...".
  using Refused = std::function<void(const std::string& what)>;

  Replay(NewMemory new_memory, Refused refused);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Runs `work(inputs)`, captured and replayed if possible.
  ///
  /// microbatch     the microbatch's index in its step. Its backward is
  ///                expected to be called as it was for the same index before
  /// requires_grad  for each input, whether its gradient is wanted
  /// states         the states that the work reads, writes, and adds gradients
  ///                to
  ProgramRun train(
      int microbatch,
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const Work& work);
  /// Does what train() does, for a run without a backward.
  ProgramRun infer(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const Work& work);

  bool gave_up() const { return gave_up_; }

 private:
  /// The observations of runs with inputs of one size.
  struct Observations {
    /// Keyed by microbatch.
    std::map<int, std::shared_ptr<ObservedBackward>> backwards;
    bool ran_without_backward = false;
  };
  class ObservingBackward;

  Observations* try_observations(const std::vector<c10::IValue>& inputs);
  std::shared_ptr<ReplaySlot> try_slot(
      const std::vector<c10::IValue>& inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const ObservedBackward* observed,
      const Work& work);
  bool try_capture(
      ReplaySlot& slot,
      std::span<const at::Tensor> states,
      const ObservedBackward* observed,
      const Work& work);
  void give_up(const std::string& reason);

  NewMemory new_memory_;
  Refused refused_;
  bool gave_up_ = false;
  /// Whether `refused_` was called because inputs have too many sizes.
  bool told_of_sizes_ = false;
  int num_moves_ = 0;  ///< how often states or gradients moved
  /// Keyed by the result of sizes_of() for the inputs.
  std::map<std::vector<int64_t>, Observations> observations_;
  std::vector<std::shared_ptr<ReplaySlot>> slots_;
};

}  // namespace pp
