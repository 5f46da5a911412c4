#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// How dropout and batch-norm behave.
enum class Mode {
  Exported,  ///< as the export recorded it
  Train,
  Eval,
};

/// Sets every `train` / `training` argument of the graph. Eval also takes the
/// dropout out of attention and drops batch-norm's counter of batches.
///
/// returns  what Train could not bring back, one line each: an export in eval
///          mode has lost attention's dropout and batch-norm's counter
std::vector<std::string> set_mode(ir::Graph& graph, Mode mode);

/// Puts the whole graph under autocast to `dtype`; its own autocast regions
/// stay as they are.
void set_autocast(ir::Graph& graph, ir::ScalarType dtype);

}  // namespace pp
