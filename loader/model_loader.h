#pragma once

#include <filesystem>

#include "loader/load_options.h"
#include "loader/model.h"

namespace pp {

/// Opens a saved model of any known format (one row a format in
/// model_loader.cpp). The graph is linted, its operators are resolved against
/// the dispatcher's schemas and carry their effects.
///
/// throws  Error(Input): missing, truncated, not an archive, a look-alike
///         (pickled module, state dict, AOTInductor package; the message says
///         how to export), an unsupported version, an unknown operator (by
///         operator, node and record); Error(Usage): `inputs` of a file that
///         says itself what its inputs are like, or that it does not have
Model load_model(
    const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace pp
