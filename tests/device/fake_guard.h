#pragma once

#include <string>
#include <vector>

#include <c10/core/Allocator.h>
#include <c10/core/Device.h>

#include "tests/device/orders.h"

// The fake device's streams, events and memory, behind LibTorch's interfaces.

namespace pp::test {

inline constexpr c10::DeviceType kFakeType = c10::DeviceType::PrivateUse1;

/// Returns the tracker, of which a process has one, like LibTorch's registries.
Orders& orders();

/// Returns the calling thread's current stream on that device.
StreamKey current_stream(c10::Device device);
int current_device();

void note_fault(const std::string& text);
std::vector<std::string> take_noted_faults();

/// Tracks memory that is already allocated as the device's.
///
/// holder  frees the memory
c10::DataPtr adopt(
    void* begin, size_t num_bytes, c10::DataPtr holder, c10::Device device);

c10::Allocator* fake_allocator();

}  // namespace pp::test
