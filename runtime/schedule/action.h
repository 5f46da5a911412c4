#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pp {

/// What a rank can be told to do. Names and text forms are torch's.
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

constexpr int32_t kNoMicrobatch = -1;

/// One instruction of one rank.
struct Action {
  int32_t stage = 0;
  int32_t microbatch = kNoMicrobatch;
  ActionKind kind = ActionKind::Forward;
  bool overlaps_next = false;  ///< first half of an OVERLAP_F_B pair

  bool operator==(const Action&) const = default;
};
static_assert(sizeof(Action) == 12);

/// "2F0", "3SEND_F1", "0UNSHARD"
std::string to_string(const Action& action);

/// "F", "SEND_F", "REDUCE_GRAD"
std::string_view kind_name(ActionKind kind);

/// The kind of that name, or nothing.
std::optional<ActionKind> try_kind(std::string_view name);

/// F, B, I and W; everything else moves or manages data.
bool is_compute(ActionKind kind);

/// Whether it works for one microbatch, or for its stage as a whole.
bool has_microbatch(ActionKind kind);

}  // namespace pp
