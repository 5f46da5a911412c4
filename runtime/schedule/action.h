#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pp {

/// The kinds of action that a rank can perform. Their names and text forms are
/// torch's.
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

/// Whether the action makes the gradient of its stage's input and uses the
/// activations: B and I.
constexpr bool makes_input_gradient(ActionKind kind) {
  return kind == ActionKind::FullBackward || kind == ActionKind::BackwardInput;
}

/// Whether the action makes the gradients of its stage's weights, which ends a
/// backward: B and W.
constexpr bool makes_weight_gradient(ActionKind kind) {
  return kind == ActionKind::FullBackward || kind == ActionKind::BackwardWeight;
}

constexpr int32_t kNoMicrobatch = -1;

/// Upper limit of the number of stages: a schedule must have fewer.
constexpr int32_t kMaxStages = 1 << 26;

/// One instruction of one rank. A large schedule has a hundred million of them,
/// and memory traffic limits how fast it is generated and validated: eight
/// bytes per action instead of twelve save a third of the traffic.
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

/// Returns an action's text: "2F0", "3SEND_F1", "0UNSHARD".
std::string to_string(const Action& action);

/// Returns the receive that matches `send`.
Action recv_of(const Action& send);

/// Returns the wait that completes `send`.
Action wait_of(const Action& send);

/// Returns a kind's name: "F", "SEND_F", "REDUCE_GRAD".
std::string_view kind_name(ActionKind kind);

/// Returns the kind with that name; nullopt if there is none.
std::optional<ActionKind> try_kind(std::string_view name);

/// Whether the kind is F, B, I or W. All other kinds move or manage data.
bool is_compute(ActionKind kind);

/// Whether an action of this kind applies to one microbatch rather than to its
/// whole stage.
bool has_microbatch(ActionKind kind);

}  // namespace pp
