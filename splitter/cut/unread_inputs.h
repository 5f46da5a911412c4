#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Notes for the user, one line each: tensors that the model takes but that
/// neither an operator nor an output reads. Exporting with one tensor for two
/// inputs makes such a model, since torch.export takes them for one.
///
/// stages  the graphs of the manifest's stages; null: not there
std::vector<std::string> unread_input_notes(
    const Manifest& manifest, const std::vector<const ir::Graph*>& stages);

}  // namespace pp
