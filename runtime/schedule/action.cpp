#include "runtime/schedule/action.h"

#include <array>

#include "loader/core/error.h"

namespace pp {
namespace {

// In the order of ActionKind.
constexpr std::array<std::string_view, kNumActionKinds> kNames = {
    "F",
    "B",
    "I",
    "W",
    "SEND_F",
    "RECV_F",
    "SEND_B",
    "RECV_B",
    "WAIT_SEND_F",
    "WAIT_SEND_B",
    "UNSHARD",
    "RESHARD",
    "REDUCE_GRAD",
    "WAIT_REDUCE_GRAD",
};

}  // namespace

std::string_view kind_name(ActionKind kind) {
  return kNames.at(static_cast<size_t>(kind));
}

std::optional<ActionKind> try_kind(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<ActionKind>(i);
    }
  }
  return std::nullopt;
}

std::string to_string(const Action& action) {
  std::string text = std::to_string(action.stage);
  text += kind_name(action.kind);
  if (action.microbatch != kNoMicrobatch) {
    text += std::to_string(action.microbatch);
  }
  return text;
}

Action recv_of(const Action& send) {
  return send.kind == ActionKind::SendForward
             ? Action{send.stage + 1, send.microbatch, ActionKind::RecvForward}
             : Action{
                   send.stage - 1, send.microbatch, ActionKind::RecvBackward};
}

Action wait_of(const Action& send) {
  return {
      send.stage,
      send.microbatch,
      send.kind == ActionKind::SendForward ? ActionKind::WaitSendForward
                                           : ActionKind::WaitSendBackward};
}

bool is_compute(ActionKind kind) {
  return kind <= ActionKind::BackwardWeight;
}

bool has_microbatch(ActionKind kind) {
  return kind < ActionKind::Unshard;
}

}  // namespace pp
