#pragma once

#include <vector>

#include "runtime/data/data_loader.h"
#include "runtime/device/rank_device.h"

namespace pp {

/// Copies the microbatches' tensors to the rank's device, on its upload stream.
/// The copies start from page-locked memory, so the host does not wait for
/// them, but the compute stream does. A tensor that several microbatches share
/// is copied once.
std::vector<Microbatch> upload(
    const std::vector<Microbatch>& microbatches, RankDevice& device);

}  // namespace pp
