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
/// slot; if there is none, a new one is captured. Inputs are copied in and
/// results are copied out, so neighbouring stages don't notice.
///
/// A microbatch's first pass runs normally: libraries initialise themselves,
/// gradients get their memory, and Replay observes how the backward is called.
/// From then on states and gradients have to stay where they are. One thread at
/// a time.
class Replay {
 public:
  using Work = ReplaySlot::Work;
  using NewMemory = std::function<std::unique_ptr<GraphMemory>()>;
  /// Called once with what is not replayed, and why: "runs without CUDA graphs:
  /// ...".
  using Refused = std::function<void(const std::string& what)>;

  Replay(NewMemory new_memory, Refused refused);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Does `work(inputs)`, captured and replayed if possible.
  ///
  /// microbatch     its backward is expected to be called the same way as last
  ///                time
  /// requires_grad  by input
  /// states         what the work reads, writes, and adds gradients to
  ProgramRun train(
      int microbatch,
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const Work& work);
  /// Like train(), without a backward.
  ProgramRun infer(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const Work& work);

  bool gave_up() const { return gave_up_; }

 private:
  /// Observations of inputs of one size.
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
  bool told_of_sizes_ = false;  ///< reported that there are too many sizes
  int num_moves_ = 0;           ///< how often states or gradients moved
  /// Keyed by the sizes and numbers of the inputs.
  std::map<std::vector<int64_t>, Observations> observations_;
  std::vector<std::shared_ptr<ReplaySlot>> slots_;
};

}  // namespace pp
