#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/zip_reader.h"
#include "loader/model.h"

namespace pp {

/// Maps the states of `graph` from the archive: copy-on-write pages of this
/// caller's own, nothing is read before it is touched. In the graph's order.
///
/// trainable  parameters that the export marked so require a gradient
/// throws     Error(Input): a record that is too small for its tensor
std::vector<at::Tensor> map_states(
    const ir::Graph& graph,
    const std::map<std::string, StateRecord>& records,
    const ZipReader& archive,
    bool trainable);

}  // namespace pp
