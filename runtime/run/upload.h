#pragma once

#include <vector>

#include "runtime/data/data_loader.h"
#include "runtime/device/rank_device.h"

namespace pp {

/// Copies what the microbatches hold to the rank's device, on its upload
/// stream, from page-locked memory: the host goes on at once. The compute
/// stream waits for it. A tensor that several microbatches share is copied
/// once.
std::vector<Microbatch> upload(
    const std::vector<Microbatch>& microbatches, RankDevice& device);

}  // namespace pp
