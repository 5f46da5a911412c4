#pragma once

#include <optional>
#include <string>
#include <vector>

#include "splitter/files/artifact.h"

namespace pp {

enum class InspectFormat { Text, Json, Dot };

struct InspectOptions {
  std::optional<int> depth;  ///< levels of the module tree; nullopt: all
  InspectFormat format = InspectFormat::Text;
};

/// Describes a model: the module tree by FQN with parameters, FLOPs and bytes;
/// inputs and outputs with names, shapes, dtypes and fixed dimensions; tied
/// parameters; every legal cut with the bytes that would cross it.
std::string inspect(const Model& model, const InspectOptions& options);

/// Describes a stage directory: the module tree of each stage and the data flow
/// between stages, one line per value.
std::string inspect(
    const StageDirectory& stages, const InspectOptions& options);

/// Formats the text that `pp split` prints: a table with one row per stage,
/// then the stages' notes and tied parameters.
std::string summary(const Manifest& manifest);

/// Formats the line that `pp split --balance time` adds: the predicted time of
/// each stage.
/// ns  the time of each stage in nanoseconds, see predict_costs()
std::string times_text(const std::vector<uint64_t>& ns);

}  // namespace pp
