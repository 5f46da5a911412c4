#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "loader/core/enum_names.h"

namespace pp {

/// How the learning rate changes over the run. learning_rate()
/// (runtime/optim/lr_schedule.h) has the formulas.
enum class LrShape { Constant, Linear, Cosine, Wsd, OneCycle };

/// One row of the table of learning rate schedules.
struct LrShapeRow {
  LrShape kind;
  std::string_view name;
  /// The keys of `train.lr_schedule` that the schedule reads.
  std::span<const std::string_view> options;

  bool has_option(std::string_view option) const {
    return std::ranges::find(options, option) != options.end();
  }
};

inline constexpr std::array<std::string_view, 2> kDecayOptions = {
    "warmup", "min_lr"};
inline constexpr std::array<std::string_view, 4> kWsdOptions = {
    "warmup", "min_lr", "decay", "anneal"};
inline constexpr std::array<std::string_view, 4> kOneCycleOptions = {
    "anneal", "pct_start", "div_factor", "final_div_factor"};

inline constexpr std::array<LrShapeRow, 5> kLrShapes = {
    {{LrShape::Constant, "constant", kDecayOptions},
     {LrShape::Linear, "linear", kDecayOptions},
     {LrShape::Cosine, "cosine", kDecayOptions},
     {LrShape::Wsd, "wsd", kWsdOptions},
     {LrShape::OneCycle, "one_cycle", kOneCycleOptions}}};

constexpr auto enum_names(LrShape) {
  return names_of_rows(kLrShapes);
}

constexpr const LrShapeRow& lr_shape_row(LrShape shape) {
  return *std::ranges::find(kLrShapes, shape, &LrShapeRow::kind);
}

/// The curve from one learning rate to another.
enum class LrAnneal { Linear, Cosine, Sqrt };

constexpr auto enum_names(LrAnneal) {
  return std::array<EnumName<LrAnneal>, 3>{
      {{LrAnneal::Linear, "linear"},
       {LrAnneal::Cosine, "cosine"},
       {LrAnneal::Sqrt, "sqrt"}}};
}

/// `train.lr_schedule`: how the learning rate changes over the run. Each shape
/// reads only its own options.
struct LrSchedule {
  LrShape shape = LrShape::Constant;
  int64_t warmup = 0;  ///< number of steps over which the rate rises to lr
  double min_lr = 0;   ///< the rate at which linear, cosine and wsd end
  /// Number of steps at the end of the run over which wsd falls; nullopt: a
  /// tenth of the run.
  std::optional<int64_t> decay = {};
  /// nullopt: linear for wsd, cosine for one_cycle.
  std::optional<LrAnneal> anneal = {};
  // Those of torch.optim.lr_scheduler.OneCycleLR:
  double pct_start = 0.3;  ///< fraction of the run in which the rate rises
  double div_factor = 25;  ///< lr divided by the rate of the first step
  /// The rate of the first step divided by that of the last.
  double final_div_factor = 1e4;
  bool operator==(const LrSchedule&) const = default;
};

}  // namespace pp
