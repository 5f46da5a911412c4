#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "loader/archive/sync.h"
#include "loader/ir/input_hints.h"
#include "loader/model.h"

namespace pp {

/// Whether the archive is what `torch.jit.save` writes.
bool is_torchscript(const ZipReader& archive);

/// Reads a traced or scripted module into one flat graph: calls of modules and
/// functions are inlined (each node keeps the modules it ran under), constant
/// conditions folded, loops of a known length unrolled, numbers and lists taken
/// apart. Code and structure go through LibTorch; bytes of weights are not
/// read. What a file does not say of a tensor is left open (TensorMeta::known);
/// a trace says the sizes of its example inputs, from which others follow.
///
/// throws  Error(Input): damaged, an operator or control flow that can't be
///         lowered: by its name, module and line of the model's source
/// hints     of inputs, in place of the example that a trace has
/// training  the modules' mode; none: as saved
/// throws    Error(Usage): hints for inputs it does not have
Model load_torchscript(
    std::shared_ptr<const ZipReader> archive,
    const InputHints& hints = {},
    std::optional<bool> training = {});

/// Writes `graph`, a part of `source`, as a `.pt` that torch.jit.load opens: a
/// module tree with the source's FQNs, and a forward.
///
/// whole_output  the graph has the outputs of the source, in order: they come
///               back in the source's own structure; otherwise in a tuple
void write_torchscript(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync = Sync::Now);

}  // namespace pp
