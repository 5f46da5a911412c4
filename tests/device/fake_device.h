#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"

// A device for tests, in the place that LibTorch keeps for others than its own
// (PrivateUse1): its memory is the host's and its operators are the CPU's, run
// at once, but streams, events and memory are accounted for as if it worked
// behind the host's back (orders.h). What may go wrong on such a device is a
// fault here, every time.

namespace pp::test {

/// Two devices.
inline constexpr int kNumFakeDevices = 2;

std::shared_ptr<DevicePlugin> fake_plugin();

c10::Device fake_device(int index = 0);

/// Faults since the last call, of the whole process.
std::vector<std::string> take_faults();

/// Operations handed over so far: that a test ran on the device at all.
size_t num_operations();

/// Graphs replayed so far.
size_t num_replays();

/// Both ends of a link between two ranks that are threads.
std::pair<std::unique_ptr<DeviceLink>, std::unique_ptr<DeviceLink>> fake_link();

}  // namespace pp::test
