#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "loader/archive/zip_reader.h"
#include "loader/formats/torchscript_details.h"

namespace pp::ts {

/// A module as LibTorch reads it, and where its storages come from. The bytes
/// of records under `data/` are withheld: those storages hold nothing.
struct LoadedModule {
  torch::jit::Module module;
  /// By the address of a storage: its record. Empty storages have none.
  std::map<const void*, const ZipRecord*> records;
};

/// throws Error(Input): LibTorch can't read it
LoadedModule load_module(const std::shared_ptr<const ZipReader>& archive);

/// Element type and sizes of the inputs that a trace was made with, as meta
/// tensors, in the order of forward's arguments; empty for a scripted module.
/// What is no tensor there is left undefined.
std::vector<at::Tensor> traced_inputs(const ZipReader& archive);

/// The first line of a LibTorch error.
std::string first_line(const std::string& message);

}  // namespace pp::ts
