#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/zip_reader.h"
#include "loader/model/model.h"

namespace pp {

/// Maps the states of `graph` from the archive into memory, in the graph's
/// order. The caller owns the pages, which are copy-on-write; nothing is read
/// from disk before it is used. States that share memory (State::memory) have
/// one storage.
///
/// trainable  whether parameters that the export marked trainable require a
///            gradient
/// throws     Error(Input): a record is too small for its tensor
std::vector<at::Tensor> map_states(
    const ir::Graph& graph,
    const std::map<std::string, StateRecord>& records,
    const ZipReader& archive,
    bool trainable);

/// Copies states to a device. States that share a storage share one there too.
std::vector<at::Tensor> states_on(
    c10::Device device, const std::vector<at::Tensor>& states);

}  // namespace pp
