#pragma once

#include <string>
#include <vector>

#include "runtime/options/device_choice.h"

namespace pp {

/// Returns the index of the device that a rank uses on its host: the one that
/// the job names, or else one chosen round-robin by the rank's number on the
/// host.
///
/// throws Error(Runtime): the host has no such device
int device_of_rank(const DeviceChoice& choice, int local_rank, int num_devices);

/// Returns a notice such as "ranks 0, 2 share NVIDIA H200: ..." if ranks share
/// devices, else "".
///
/// devices  what each rank computes on, unique over all hosts
std::string sharing_text(const std::vector<std::string>& devices);

}  // namespace pp
