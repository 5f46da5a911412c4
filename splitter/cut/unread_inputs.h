#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Returns notes for the user, one line each, about tensors that the model
/// accepts but that no operator or output reads. torch.export produces such a
/// model when it is called with the same tensor for two inputs, because it
/// treats them as one.
///
/// stages  the graphs of the manifest's stages; null for a stage whose file is
///         missing
std::vector<std::string> unread_input_notes(
    const Manifest& manifest, const std::vector<const ir::Graph*>& stages);

}  // namespace pp
