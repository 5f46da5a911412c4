#pragma once

#include <memory>

#include "loader/allowed/trust.h"
#include "loader/model/load_options.h"
#include "loader/model/model.h"

namespace pp {

/// Whether `torch.jit.save` wrote the archive.
bool is_torchscript(const ZipReader& archive);

/// Reads a traced or scripted module into one flat graph: calls of modules and
/// functions are inlined (each node keeps the modules it ran under), constant
/// conditions folded, loops of a known length unrolled, numbers and lists taken
/// apart. LibTorch reads the code and the structure; the bytes of weights are
/// not read. What the file does not say about a tensor stays unknown
/// (TensorMeta::known). A trace has the sizes of its example inputs, from which
/// the other sizes are inferred.
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
