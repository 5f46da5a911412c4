#pragma once

#include <filesystem>

#include "loader/archive/sync.h"
#include "loader/model/model.h"

namespace pp {

/// Writes `graph`, a part of `source`, as a `.pt` that torch.jit.load opens: a
/// module tree with the source's FQNs and a forward.
///
/// whole_output  true: the graph has all outputs of the source, in order, and
///               forward returns them in the source's structure; false: forward
///               returns a tuple
/// throws        Error(Input): TorchScript can't express a node
///               Error(Runtime): the file can't be written
void write_torchscript(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync = Sync::Now);

}  // namespace pp
