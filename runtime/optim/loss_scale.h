#pragma once

#include <cstdint>
#include <string>

namespace pp {

/// Adapts the factor by which the loss is multiplied before each backward in
/// float16, so that small gradients don't become 0. When gradients overflow,
/// the caller skips the update and the factor is halved; after 2000 updates
/// without overflow it is doubled.
///
/// source  torch.amp.GradScaler, with its defaults
class LossScale {
 public:
  double scale() const { return scale_; }

  /// Adapts the factor after a step.
  ///
  /// overflowed  whether the step's gradients had an infinity or a NaN
  void update(bool overflowed);

  /// Returns the state for checkpoints, such as "65536 17": the factor, and the
  /// number of updates since it last changed.
  std::string text() const;
  /// Makes the object whose text() is `text`.
  /// throws  Error(Input): `text` isn't in the format of text()
  static LossScale parse(const std::string& text);

 private:
  double scale_ = 65536;
  int64_t good_steps_ = 0;
};

}  // namespace pp
