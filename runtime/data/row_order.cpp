#include "runtime/data/row_order.h"

#include "loader/core/error.h"
#include "loader/core/mix_bits.h"

namespace pp {
namespace {

constexpr int kRounds = 6;

}  // namespace

RowOrder::RowOrder(int64_t num_rows, bool shuffle, uint64_t seed)
    : num_rows_(static_cast<uint64_t>(num_rows)),
      shuffle_(shuffle),
      seed_(seed) {
  while (half_bits_ < 31 && (uint64_t{1} << (2 * half_bits_)) < num_rows_) {
    ++half_bits_;
  }
}

int64_t RowOrder::row(int64_t epoch, int64_t position) const {
  check(
      position >= 0 && static_cast<uint64_t>(position) < num_rows_,
      "the position must be inside the epoch");
  if (!shuffle_) {
    return position;
  }
  const uint64_t key = mix_bits(mix_bits(seed_) ^ static_cast<uint64_t>(epoch));
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t at = static_cast<uint64_t>(position);
  do {
    uint64_t left = at >> half_bits_;
    uint64_t right = at & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const uint64_t next =
          left ^ (mix_bits(key ^ mix_bits(right + (round << 32U))) & mask);
      left = right;
      right = next;
    }
    at = (left << half_bits_) | right;
  } while (at >= num_rows_);
  return static_cast<int64_t>(at);
}

}  // namespace pp
