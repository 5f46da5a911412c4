#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"

// A fake device for tests, which LibTorch knows as PrivateUse1. Its memory is
// the host's and its operators are the CPU's, run at once, but streams, events
// and memory are tracked as if it ran asynchronously (orders.h). Whatever may
// go wrong on an asynchronous device is a fault here, in every run.

namespace pp::test {

inline constexpr int kNumFakeDevices = 2;

std::shared_ptr<DevicePlugin> fake_plugin();

c10::Device fake_device(int index = 0);

/// Returns the faults of the whole process since the last call.
std::vector<std::string> take_faults();

/// Number of operations so far, by which a test checks that it ran on the
/// device.
size_t num_operations();

/// Number of graphs replayed so far.
size_t num_replays();

/// Makes both ends of a link between two ranks that are threads.
std::pair<std::unique_ptr<DeviceLink>, std::unique_ptr<DeviceLink>> fake_link();

}  // namespace pp::test
