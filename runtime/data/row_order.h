#pragma once

#include <cstdint>

namespace pp {

/// In which order the rows of a data set are taken. Holds no list: a position
/// is sent through a keyed permutation, so any step of any epoch is known at
/// once, on every rank.
///
/// source  a Feistel network over the next power of four, walked until it
///         lands inside [0, num_rows) (Black and Rogaway 2002, "Ciphers with
///         Arbitrary Finite Domains")
class RowOrder {
 public:
  /// shuffle  false: the order is that of the files
  RowOrder(int64_t num_rows, bool shuffle, uint64_t seed);

  /// The row at `position` in [0, num_rows) of an epoch.
  int64_t row(int64_t epoch, int64_t position) const;

 private:
  uint64_t num_rows_;
  bool shuffle_;
  uint64_t seed_;
  int half_bits_ = 1;
};

}  // namespace pp
