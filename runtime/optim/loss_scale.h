#pragma once

#include <cstdint>
#include <string>

namespace pp {

/// The factor by which the loss is multiplied before a backward in float16, so
/// that small gradients don't become 0. If gradients overflow, it is halved and
/// their update is skipped; after 2000 updates without overflow it is doubled.
///
/// source  torch.amp.GradScaler, with its defaults
class LossScale {
 public:
  double scale() const { return scale_; }

  /// Called after each step.
  ///
  /// overflowed  the gradients had an infinity or a NaN
  void update(bool overflowed);

  /// The state for checkpoints, such as "65536 17": the scale, and the number
  /// of updates since it changed.
  std::string text() const;
  /// Restores what text() returned.
  /// throws Error(Input): not in the format of text()
  static LossScale parse(const std::string& text);

 private:
  double scale_ = 65536;
  int64_t good_steps_ = 0;
};

}  // namespace pp
