#pragma once

#include <cstdint>

namespace pp {

/// The order in which the rows of a data set are used. The order is computed,
/// not stored: a keyed permutation maps positions to rows, so every rank can
/// compute the rows of any step of any epoch.
///
/// The permutation is a Feistel network over the next power of four, which is
/// applied repeatedly until the result is inside [0, num_rows) (Black and
/// Rogaway 2002, "Ciphers with Arbitrary Finite Domains").
class RowOrder {
 public:
  /// shuffle  whether to permute the rows; if false, they keep the order of the
  ///          files
  RowOrder(int64_t num_rows, bool shuffle, uint64_t seed);

  /// Returns the row at `position` in [0, num_rows) of an epoch.
  int64_t row(int64_t epoch, int64_t position) const;

 private:
  uint64_t num_rows_;
  bool shuffle_;
  uint64_t seed_;
  int half_bits_ = 1;
};

}  // namespace pp
