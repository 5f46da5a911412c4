#pragma once

#include <string>
#include <vector>

#include "runtime/options/device_choice.h"

namespace pp {

/// Returns the index of the device that a rank uses on its host. If the job
/// names no device, the ranks of a host get its devices round-robin, by their
/// number on the host.
///
/// throws  Error(Runtime): the host has no such device
int device_of_rank(const DeviceChoice& choice, int local_rank, int num_devices);

/// Returns a notice such as "ranks 0, 2 share NVIDIA H200: ..." if ranks share
/// a device, otherwise "".
///
/// devices  the device of each rank, as a text that is unique over all hosts
std::string sharing_text(const std::vector<std::string>& devices);

}  // namespace pp
