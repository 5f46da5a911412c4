#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "loader/core/enum_names.h"

namespace pp {

/// The measure that a split into N stages balances.
enum class Balance { Params, Flops, Time, Memory };

/// The weight of a node or a state in each measure.
struct Weights {
  uint64_t params = 0;  ///< number of elements of a parameter
  uint64_t flops = 0;   ///< forward FLOPs by formula, for the sizes at export
  uint64_t ns = 0;      ///< measured forward time in nanoseconds
  /// Bytes held: for a parameter, four times its size (weight, gradient, and
  /// two moments of the optimizer); for a buffer, its size; for a node, the
  /// size of its results.
  uint64_t bytes = 0;
};

struct BalanceRow {
  Balance kind;
  std::string_view name;  ///< the measure's name in options and job files
  std::string_view meaning;
  /// The member of Weights that is summed per stage.
  uint64_t Weights::*weight;
  bool is_measured;  ///< needs NodeCosts; includes the time to send values
};

inline constexpr std::array kBalances{
    BalanceRow{
        Balance::Params, "params", "parameters", &Weights::params, false},
    BalanceRow{
        Balance::Flops, "flops", "forward FLOPs", &Weights::flops, false},
    BalanceRow{Balance::Time, "time", "measured time", &Weights::ns, true},
    BalanceRow{Balance::Memory, "memory", "memory", &Weights::bytes, false},
};

inline const BalanceRow& row_of(Balance balance) {
  return *std::ranges::find(kBalances, balance, &BalanceRow::kind);
}

constexpr auto enum_names(Balance) {
  return names_of_rows(kBalances);
}

}  // namespace pp
