#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"
#include "runtime/program/program.h"

namespace pp {

/// A run of a program, with its backward where it is trained.
struct ProgramRun {
  ProgramResult result;
  std::vector<uint8_t> requires_grad;  ///< by output; empty: not trained
  std::unique_ptr<BackwardPass> back;
};

/// Captures the passes of one program on a device, and replays them instead of
/// handing over each operator again.
///
/// A slot holds what one microbatch under way needs: inputs at a fixed place,
/// the graphs of its forward and backward, and the memory between them. A
/// microbatch takes a slot that is free; where there is none, one is captured.
/// What enters is copied in, what leaves is copied out, so neighbours know
/// nothing of it.
///
/// A microbatch's first pass runs as ever: libraries set themselves up,
/// gradients get their memory, and it is learned how its backward comes. From
/// then on states and gradients have to stay where they are. One thread at a
/// time.
class Replay {
 public:
  /// Runs the program on these inputs.
  using Work = std::function<ProgramRun(std::vector<c10::IValue> inputs)>;
  using NewMemory = std::function<std::unique_ptr<GraphMemory>()>;
  /// Told once what is not replayed, and why: "runs without CUDA graphs: ...".
  using Refused = std::function<void(const std::string& what)>;

  Replay(NewMemory new_memory, Refused refused);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// As `work(inputs)`, captured or replayed where that can be.
  ///
  /// microbatch     its backward is expected to come as it did the last time
  /// requires_grad  by input
  /// states         what the work reads, writes, and adds gradients to
  ProgramRun train(
      int microbatch,
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const Work& work);
  /// The same without a backward.
  ProgramRun infer(
      std::vector<c10::IValue> inputs,
      std::span<const at::Tensor> states,
      const Work& work);

  bool gave_up() const { return gave_up_; }

 private:
  /// How the backward of a microbatch comes.
  struct Lesson {
    bool is_known = false;
    bool in_halves = false;
    std::vector<at::Tensor> seeds;  ///< by output, without memory
  };
  /// What is known of inputs of one size.
  struct Learned {
    std::map<int, std::shared_ptr<Lesson>> lessons;  ///< by microbatch
    bool ran_without_backward = false;
  };
  struct Slot;
  class Learning;
  class Replayed;

  Learned* try_learned(const std::vector<c10::IValue>& inputs);
  std::shared_ptr<Slot> try_slot(
      std::vector<c10::IValue> inputs,
      std::span<const uint8_t> requires_grad,
      std::span<const at::Tensor> states,
      const Lesson* lesson,
      const Work& work);
  bool try_capture(
      Slot& slot,
      std::span<const at::Tensor> states,
      const Lesson* lesson,
      const Work& work);
  void give_up(const std::string& reason);

  NewMemory new_memory_;
  Refused refused_;
  bool gave_up_ = false;
  bool said_too_many_ = false;
  int num_moves_ = 0;
  /// By sizes and numbers of the inputs.
  std::map<std::vector<int64_t>, Learned> learned_;
  std::vector<std::shared_ptr<Slot>> slots_;
};

}  // namespace pp
