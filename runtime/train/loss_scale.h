#pragma once

#include <cstdint>
#include <string>

namespace pp {

/// What the loss is multiplied by before a backward in float16, so that small
/// gradients don't become 0: as large as it can be. Gradients that overflow
/// halve it and their update is left out; after 2000 updates without any it is
/// doubled.
///
/// source  torch.amp.GradScaler, with its defaults
class LossScale {
 public:
  double scale() const { return scale_; }

  /// After each step.
  ///
  /// overflowed  the gradients had an infinity or a NaN
  void update(bool overflowed);

  /// For checkpoints: "65536 17", the scale and the updates since it changed.
  std::string text() const;
  /// throws Error(Input): not what text() gives
  static LossScale parse(const std::string& text);

 private:
  double scale_ = 65536;
  int64_t good_steps_ = 0;
};

}  // namespace pp
