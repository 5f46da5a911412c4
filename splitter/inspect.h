#pragma once

#include <optional>
#include <string>
#include <vector>

#include "splitter/artifact.h"

namespace pp {

enum class InspectFormat { Text, Json, Dot };

struct InspectOptions {
  std::optional<int> depth;  ///< of the module tree; none: all
  InspectFormat format = InspectFormat::Text;
};

/// Module tree by FQN with parameters, FLOPs and bytes; inputs and outputs
/// with names, shapes, dtypes and which dimensions are fixed; tied parameters;
/// every legal cut with the bytes that would cross it.
std::string inspect(const Model& model, const InspectOptions& options);

/// The module tree of each stage and the data flow between stages, a line a
/// value.
std::string inspect(
    const StageDirectory& stages, const InspectOptions& options);

/// The table `pp split` prints: a row a stage, then relays and why.
std::string summary(const Manifest& manifest);

/// The line `pp split --balance time` adds: what each stage should take.
/// ns  see predict_costs
std::string times_text(const std::vector<uint64_t>& ns);

}  // namespace pp
