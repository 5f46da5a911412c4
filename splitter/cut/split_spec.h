#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/core/enum_names.h"
#include "splitter/cut/balance_table.h"
#include "splitter/cut/node_costs.h"

namespace pp {

enum class SplitSide { Beginning, End };

/// A cut named by a module: before the module's first node, or after its last.
struct SplitPoint {
  std::string fqn;
  SplitSide side = SplitSide::Beginning;
  bool operator==(const SplitPoint&) const = default;
};

/// Parses a split point such as "layers.2" or "layers.2:end".
/// throws  Error(Usage): no module name, or an unknown side
SplitPoint parse_split_point(std::string_view text);
std::string to_string(const SplitPoint& point);

/// The placement of a parameter that several stages use.
enum class TiedParameters {
  Replicate,  ///< in each stage that uses it
  Transmit,   ///< in the first stage that reads it, which sends it on
};

constexpr auto enum_names(TiedParameters) {
  return std::array<EnumName<TiedParameters>, 2>{
      {{TiedParameters::Replicate, "replicate"},
       {TiedParameters::Transmit, "transmit"}}};
}

/// How to cut a model. At most one of `at`, `num_stages` and `markers` is set;
/// if none is, the model stays in one stage.
struct SplitSpec {
  std::vector<SplitPoint> at = {};
  int num_stages = 0;
  Balance balance = Balance::Params;
  bool markers = false;
  bool rematerialise = true;  ///< whether stages run free nodes again, see Flow
  TiedParameters tied = TiedParameters::Replicate;
  std::optional<uint64_t> memory = {};          ///< maximum bytes of a stage
  std::shared_ptr<const NodeCosts> costs = {};  ///< needed by Balance::Time

  bool operator==(const SplitSpec&) const = default;
};

}  // namespace pp
