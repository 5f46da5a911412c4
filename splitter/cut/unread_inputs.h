#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Notes for the user, one line each, about tensors that the model accepts but
/// that neither an operator nor an output reads. Such a model results from
/// exporting with the same tensor for two inputs, because torch.export treats
/// them as one.
///
/// stages  the graphs of the manifest's stages; null: the stage's file is
///         absent
std::vector<std::string> unread_input_notes(
    const Manifest& manifest, const std::vector<const ir::Graph*>& stages);

}  // namespace pp
