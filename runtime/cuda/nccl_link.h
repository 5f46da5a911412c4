#pragma once

#include <memory>

#include "runtime/device/plugin.h"

namespace pp {

/// A link over NCCL: a communicator of its own, of two ranks. Waits until it is
/// open at both ends.
std::unique_ptr<DeviceLink> make_nccl_link(
    const c10::intrusive_ptr<c10d::Store>& store,
    c10::Device device,
    bool sends);

}  // namespace pp
