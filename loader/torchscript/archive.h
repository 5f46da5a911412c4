#pragma once

#include <memory>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "loader/archive/zip_reader.h"
#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// A module as LibTorch reads it, and the records of its storages. The bytes of
/// records in `data/` are withheld, so those storages have undefined content.
struct LoadedModule {
  torch::jit::Module module;
  StorageRecords records;
};

/// trusts_code  whether code of the file may run while it is read
/// throws       Error(Input): LibTorch can't read it; its code would run
LoadedModule load_module(
    const std::shared_ptr<const ZipReader>& archive, bool trusts_code);

/// The inputs that a trace was made with, as meta tensors, in the order of
/// forward's arguments; empty for a scripted module. An input that is not a
/// tensor is left undefined.
std::vector<at::Tensor> traced_inputs(const ZipReader& archive);

}  // namespace pp::ts
