#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "splitter/node_costs.h"

namespace pp {

enum class SplitSide { Beginning, End };

/// Names a cut by a module: before its first node, or after its last.
struct SplitPoint {
  std::string fqn;
  SplitSide side = SplitSide::Beginning;
};

/// "layers.2" or "layers.2:end"
SplitPoint parse_split_point(std::string_view text);
std::string to_string(const SplitPoint& point);

enum class Balance { Params, Flops, Time, Memory };

/// How a model is to be cut; exactly one of `at`, `num_stages` and `markers`.
struct SplitSpec {
  std::vector<SplitPoint> at;
  int num_stages = 0;
  Balance balance = Balance::Params;
  bool markers = false;
  bool rematerialise = true;
  /// One stage holds a parameter of several and sends it to the others.
  bool transmit = false;
  std::optional<uint64_t> memory;          ///< bytes a stage may hold
  std::shared_ptr<const NodeCosts> costs;  ///< Balance::Time needs them
};

}  // namespace pp
