#pragma once

#include <memory>

#include "loader/allowed/trust.h"
#include "loader/model/load_options.h"
#include "loader/model/model.h"

namespace pp {

/// Whether `torch.jit.save` wrote the archive.
bool is_torchscript(const ZipReader& archive);

/// Reads a traced or scripted module into one flat graph: calls of modules and
/// functions are inlined (each node keeps the modules that it ran under),
/// constant conditions are folded, loops of known length are unrolled, and
/// lists and dicts are replaced by their items. LibTorch reads the code and the
/// structure; the bytes of weights are not read. Facts that the file doesn't
/// state about a tensor stay unknown (TensorMeta::known). A trace has the sizes
/// of its example inputs, from which all other sizes are inferred.
///
/// throws  Error(Input): the file is damaged, or an operator or control flow
///         can't be lowered; the message names it, its module and its line in
///         the model's source
///         Error(Usage): `options.inputs` names an input that forward does not
///         have
Model load_torchscript(
    std::shared_ptr<const ZipReader> archive,
    const LoadOptions& options = {},
    const Trust& trust = {});

}  // namespace pp
