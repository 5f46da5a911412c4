#pragma once

#include <filesystem>

#include "loader/model/formats.h"

namespace pp {

/// All formats that the loader knows, one row each.
///
/// trust  how far files are trusted
ModelFormats model_formats(Trust trust = {});

/// Opens a saved model of any known format. The graph is linted, and its
/// operators are resolved against the dispatcher's schemas and carry their
/// effects.
///
/// throws  Error(Input): the file is missing, truncated, or not an archive; it
///         looks like a model but isn't one (a pickled module, a state dict, an
///         AOTInductor package; the message says how to export); its version is
///         not supported; an operator is unknown or not allowed (named with
///         node and record).
///         Error(Usage): `options.inputs` is given for a file that describes
///         its inputs itself, or names an input that the model doesn't have
Model load_model(
    const std::filesystem::path& path,
    const LoadOptions& options = {},
    const Trust& trust = {});

}  // namespace pp
