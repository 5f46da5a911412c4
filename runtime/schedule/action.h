#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pp {

/// The kinds of action that a rank can perform. Names and text forms are those
/// of torch.
enum class ActionKind : uint8_t {
  Forward,           // F
  FullBackward,      // B
  BackwardInput,     // I
  BackwardWeight,    // W
  SendForward,       // SEND_F
  RecvForward,       // RECV_F
  SendBackward,      // SEND_B
  RecvBackward,      // RECV_B
  WaitSendForward,   // WAIT_SEND_F
  WaitSendBackward,  // WAIT_SEND_B
  Unshard,           // UNSHARD
  Reshard,           // RESHARD
  ReduceGrad,        // REDUCE_GRAD
  WaitReduceGrad,    // WAIT_REDUCE_GRAD
};

constexpr int kNumActionKinds = 14;

constexpr bool is_send(ActionKind kind) {
  return kind == ActionKind::SendForward || kind == ActionKind::SendBackward;
}

constexpr bool is_recv(ActionKind kind) {
  return kind == ActionKind::RecvForward || kind == ActionKind::RecvBackward;
}

constexpr bool is_wait_send(ActionKind kind) {
  return kind == ActionKind::WaitSendForward ||
         kind == ActionKind::WaitSendBackward;
}

/// B and I: they use the activations and make the input's gradient.
constexpr bool makes_input_gradient(ActionKind kind) {
  return kind == ActionKind::FullBackward || kind == ActionKind::BackwardInput;
}

/// B and W: they make the weights' gradients, and end a backward.
constexpr bool makes_weight_gradient(ActionKind kind) {
  return kind == ActionKind::FullBackward || kind == ActionKind::BackwardWeight;
}

constexpr int32_t kNoMicrobatch = -1;

/// A schedule must have fewer stages than this.
constexpr int32_t kMaxStages = 1 << 26;

/// One instruction of one rank. A large schedule has a hundred million of them,
/// and memory traffic limits how fast it is made and validated: eight bytes
/// instead of twelve save a third of it.
struct Action {
  constexpr Action() = default;
  constexpr Action(
      int32_t stage_index,
      int32_t microbatch_index,
      ActionKind action_kind = ActionKind::Forward,
      bool overlaps = false)
      : microbatch(microbatch_index),
        kind(action_kind),
        overlaps_next(overlaps) {
    set_stage(stage_index);
  }

  constexpr void set_stage(int32_t index) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // below kMaxStages
    stage = index;
#pragma GCC diagnostic pop
  }

  int32_t microbatch = kNoMicrobatch;
  int32_t stage : 27 = 0;  ///< -1 to kMaxStages - 1
  ActionKind kind : 4 = ActionKind::Forward;
  bool overlaps_next : 1 = false;  ///< first half of an OVERLAP_F_B pair

  bool operator==(const Action&) const = default;
};
static_assert(sizeof(Action) == 8);

/// "2F0", "3SEND_F1", "0UNSHARD"
std::string to_string(const Action& action);

/// Returns the receive that matches `send`.
Action recv_of(const Action& send);

/// Returns the wait that completes `send`.
Action wait_of(const Action& send);

/// "F", "SEND_F", "REDUCE_GRAD"
std::string_view kind_name(ActionKind kind);

/// The kind with that name, or nothing.
std::optional<ActionKind> try_kind(std::string_view name);

/// Whether it is F, B, I or W; everything else moves or manages data.
bool is_compute(ActionKind kind);

/// Whether it applies to one microbatch rather than to its whole stage.
bool has_microbatch(ActionKind kind);

}  // namespace pp
