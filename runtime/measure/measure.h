#pragma once

#include "loader/model/model.h"
#include "runtime/measure/timed_runs.h"
#include "splitter/cut/node_costs.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// Runs the model's graph forward on its sample inputs and times its nodes.
/// Uses the fastest of many passes: noise only adds time. Node times are scaled
/// so that their sum is the time of a pass without a clock reading at each
/// node. Sending a byte across a cut is assumed to cost as much as copying it.
///
/// throws  Error(Usage): the model doesn't describe its inputs; Error(Runtime):
///         an operator fails
NodeCosts measure_costs(const Model& model, const MeasureOptions& options = {});

/// If `spec` balances by time and has no costs, returns it with measured costs;
/// otherwise returns it unchanged.
SplitSpec with_costs(const Model& model, SplitSpec spec);

}  // namespace pp
