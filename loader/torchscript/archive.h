#pragma once

#include <memory>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "loader/archive/zip_reader.h"
#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// A module that LibTorch has read, and the records that hold its storages.
/// LibTorch isn't given the bytes of the records in `data/`, so the content of
/// their storages is undefined.
struct LoadedModule {
  torch::jit::Module module;
  StorageRecords records;
};

/// Reads a module with LibTorch.
/// trusts_code  whether code in the file may run while the file is read
/// throws       Error(Input): LibTorch can't read the file, or would run code
///              from the file although `trusts_code` is false
LoadedModule load_module(
    const std::shared_ptr<const ZipReader>& archive, bool trusts_code);

/// Returns the inputs that a trace was made with, as meta tensors, in the order
/// of forward's arguments; an empty list for a scripted module. An input that
/// is not a tensor becomes an undefined tensor.
std::vector<at::Tensor> traced_inputs(const ZipReader& archive);

}  // namespace pp::ts
