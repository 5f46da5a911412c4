#pragma once

#include "loader/model.h"
#include "runtime/measure/timed_runs.h"
#include "splitter/node_costs.h"
#include "splitter/split_spec.h"

namespace pp {

/// Runs the model's graph forward on its sample inputs and times its nodes.
/// Of many passes the fastest counts: noise only adds. The nodes' times are
/// scaled so that they sum up to what the graph takes without clocks in it.
/// What crosses a cut is priced at the speed of a copy in memory.
/// throws Error(Usage): the model does not say what its inputs are like;
///        Error(Runtime): an operator fails
NodeCosts measure_costs(const Model& model, const MeasureOptions& options = {});

/// The spec, with measured costs where it balances by time and has none yet.
SplitSpec with_costs(const Model& model, SplitSpec spec);

}  // namespace pp
