#pragma once

#include <filesystem>

#include "loader/model/formats.h"

namespace pp {

/// All formats that the loader can read and write, one row each.
/// trust  how far the files are trusted
ModelFormats model_formats(Trust trust = {});

/// Opens a saved model of any format in model_formats(). The returned graph is
/// linted; its operators are resolved against the dispatcher's schemas and have
/// their effects filled in.
///
/// throws  Error(Input): the file is missing, truncated, or not an archive; it
///         looks like a model but isn't one (a pickled module, a state dict, an
///         AOTInductor package; the message says how to export); its version is
///         not supported; an operator is unknown or not allowed (the message
///         names the node and the record)
///         Error(Usage): `options.inputs` is given for a file that describes
///         its own inputs, or names an input that the model doesn't have
Model load_model(
    const std::filesystem::path& path,
    const LoadOptions& options = {},
    const Trust& trust = {});

}  // namespace pp
